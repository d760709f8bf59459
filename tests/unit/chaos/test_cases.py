"""A case that comes to nothing fails and says why, and the folder of its logs is printed."""

import random
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.chaos import __main__, case
from tests.chaos.case import Case
from tests.chaos.kills import deal
from tests.chaos.sizes import TINY
from tests.chaos.verdict import Verdict


class Playing(Case):
    """Ends as a test wants it to."""

    name = "playing"
    error: Exception | None = None

    def play(self) -> None:
        if self.error is not None:
            raise self.error


@pytest.fixture
def playing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Playing]:
    """Return a case without processes; the network must have been healed in the end."""
    (tmp_path / "effects.jsonl").touch()
    healed: list[bool] = []
    network = SimpleNamespace(heal=lambda: healed.append(True))
    stack: Any = SimpleNamespace(folder=tmp_path, network=network)
    monkeypatch.setattr(case, "wait_for_peace", lambda stack, patience: [])
    monkeypatch.setattr(case, "judge", lambda stack, accepted: Verdict(figures={"lost": 0}))
    yield Playing(stack, TINY, random.Random(1), print)
    assert healed == [True]


def test_a_case_in_which_nothing_is_wrong_holds(playing: Playing) -> None:
    assert playing.run()
    assert playing.figures["lost"] == 0


@pytest.mark.parametrize(
    "error", [AssertionError("too late"), StopIteration("too late"), OSError("too late")]
)
def test_a_case_that_ends_before_its_time_fails_and_is_judged_all_the_same(
    playing: Playing, error: Exception
) -> None:
    playing.error = error
    assert not playing.run()
    [sentence] = playing.wrong
    assert "too late" in sentence
    assert playing.figures["lost"] == 0


def test_a_case_that_cannot_be_judged_fails(playing: Playing, monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(*_: object) -> Verdict:
        raise TimeoutError("the checker does not end")

    monkeypatch.setattr(case, "judge", judge)
    assert not playing.run()
    assert "the checker does not end" in playing.wrong[0]


def test_what_goes_wrong_in_a_load_fails_its_case(playing: Playing, monkeypatch: pytest.MonkeyPatch) -> None:
    playing.stack.publisher = SimpleNamespace(url="http://publisher")  # type: ignore[assignment]

    def play() -> None:
        playing.load(0, 1, lambda chance: {}).wrong.append("answer 500")

    monkeypatch.setattr(playing, "play", play)
    assert not playing.run()
    assert playing.wrong == ["answer 500"]


@pytest.mark.parametrize(("outcome", "code"), [(True, 0), (False, 1)])
def test_logs_are_kept_when_not_all_held(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    outcome: bool,
    code: int,
) -> None:
    folder = logs_in(tmp_path, monkeypatch)
    monkeypatch.setattr(__main__, "play", lambda *_: outcome)
    assert __main__.main(["--case", "kills", "--seed", "7"]) == code
    assert (f"SEED=7; logs in {folder}" in capsys.readouterr().out) == (not outcome)
    assert folder.exists() == (not outcome)


def test_the_folder_of_the_logs_is_printed_however_it_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = logs_in(tmp_path, monkeypatch)

    def play(*_: object) -> bool:
        raise RuntimeError("a server does not start")

    monkeypatch.setattr(__main__, "play", play)
    with pytest.raises(RuntimeError):
        __main__.main(["--case", "kills", "--seed", "7"])
    assert f"NOT ALL HELD; SEED=7; logs in {folder}" in capsys.readouterr().out
    assert folder.exists()


def test_a_few_victims_are_of_every_kind() -> None:
    kinds = ("runner", "runner", "supervisor", "both")
    for seed in range(20):
        dealt = list(islice(deal(kinds, random.Random(seed)), 8))
        assert Counter(dealt[:4]) == Counter(dealt[4:]) == Counter(kinds)
    assert len({tuple(islice(deal(kinds, random.Random(seed)), 4)) for seed in range(20)}) > 1


def logs_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the logs will be; nothing is installed."""
    logs = folder / "logs"
    logs.mkdir()
    monkeypatch.setattr("tempfile.mkdtemp", lambda prefix: str(logs))
    monkeypatch.setattr("deploy.servers.private.ensure_installed", lambda: None)
    return logs
