"""The command: what its words ask the checker, what it ends with, and what it writes."""

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.unit.verification.answering import Asked, call, verdict
from tests.unit.verification.asking import file_of
from tests.unit.verification.authored import eventful
from tests.unit.verification.records import Records
from tests.unit.verification.test_command import NOWHERE

from azure_storage.connection import StorageConnection
from coordination.ports import UnknownOutcomeError
from proof import reading
from verification import Invariant, LedgerError, Question, Run, Scope, Violation

MOMENT = datetime(2026, 11, 21, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _storage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNSTILE_STORAGE_CONNECTION_STRING", NOWHERE)
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture
def local_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Live where it is three hours later than in UTC."""
    monkeypatch.setenv("TZ", "UTC-3")
    time.tzset()
    yield
    monkeypatch.undo()
    os.environ.pop("TZ", None)
    time.tzset()


@pytest.mark.parametrize(
    ("words", "question"),
    [
        ([], Question()),
        (["--lock", " b ", "--lock", "a", "--lock", "b"], Question(Scope(("b", "a")))),
        (["--lock", "cafe\u0301"], Question(Scope(("caf\u00e9",)))),
        (["--since", "2026-11-21T08:00Z"], Question(Scope(since=MOMENT))),
        (["--until", "2026-11-21T09:30+01:30"], Question(Scope(until=MOMENT))),
        (["--tolerance", "0"], Question(tolerance_seconds=0.0)),
        (["--patience", "0.5"], Question(patience_seconds=0.5)),
        (["--late-effects", "0"], Question(late_effects=0)),
        (
            ["--take-over-within", "runner_died=3", "--take-over-within", "worker_lost=0.5"],
            Question(take_over_limits={"runner_died": 3.0, "worker_lost": 0.5}),
        ),
        (["--take-over-within", "worker_stopped=0"], Question(take_over_limits={"worker_stopped": 0.0})),
        (["--sink", "ledger", "--accepted", "ids"], Question(sink=Path("ledger"), accepted=Path("ids"))),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_each_word_asks_what_it_says(
    monkeypatch: pytest.MonkeyPatch, words: list[str], question: Question
) -> None:
    asked = Asked(monkeypatch)
    assert call(*words).exit_code == 0
    assert asked.questions == [question]
    assert asked.closed == 1


@pytest.mark.usefixtures("local_time")
def test_a_time_without_an_offset_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    assert call("--since", "2026-11-21T11:00", "--until", "2026-11-21T11:00").exit_code == 0
    assert asked.questions[0].scope == Scope(since=MOMENT, until=MOMENT)


def test_what_is_asked_when_nothing_is_said_is_what_the_readme_says() -> None:
    question = Question()
    assert (question.tolerance_seconds, question.patience_seconds, question.late_effects) == (5.0, 30.0, 1)
    assert (question.sink, question.accepted, question.take_over_limits) == (None, None, {})
    assert question.scope == Scope()


@pytest.mark.parametrize(
    ("raised", "code", "sentence"),
    [
        (UnknownOutcomeError("no answer"), 5, "Error: the storage does not answer: no answer"),
        (LedgerError("line 1 of the ledger is not an effect"), 2, "Error: line 1 of the ledger"),
        (PermissionError(13, "Permission denied", "ids"), 2, "Permission denied"),
        (KeyboardInterrupt(), 130, ""),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_stops_the_checker_decides_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: int, sentence: str
) -> None:
    asked = Asked(monkeypatch, raised)
    shown = call("--json")
    assert shown.exit_code == code
    assert sentence in shown.stderr
    assert shown.stdout == ""
    assert asked.closed == 1


def test_the_namespace_of_the_storage_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNSTILE_STORAGE_NAMESPACE", "mine")
    seen: list[Any] = []

    def evidence(connection: StorageConnection) -> Records:
        seen.append(connection.names.journal_table)
        return Records(eventful())

    monkeypatch.setattr(reading, "StorageEvidence", evidence)
    assert call("--patience", "0").exit_code == 0
    assert seen == ["mineJournal"]


# --- the page -----------------------------------------------------------------------


def page_data(page: Path) -> Mapping[str, Any]:
    text = page.read_text(encoding="utf-8")
    data = re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert data is not None
    found: Mapping[str, Any] = json.loads(data[1])
    return found


@pytest.mark.parametrize(("runs", "drawn", "left_out"), [(10_000, 10_000, 0), (10_007, 10_000, 7), (0, 3, 0)])
def test_the_page_tells_how_many_runs_are_not_drawn(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, runs: int, drawn: int, left_out: int
) -> None:
    run = Run("p", "l", 1, "j", 1, "w", "", "", "", None, None, "")
    told = verdict(counts={"runs": runs}, runs=[run] * drawn)
    Asked(monkeypatch, told)
    page = tmp_path / "page.html"
    shown = call("--html", str(page))
    assert shown.exit_code == 0
    assert f"picture: {page}" in shown.stdout
    data = page_data(page)
    assert data["left_out"] == left_out
    assert len(data["runs"]) == drawn
    assert data["verdict"] == told.document()
    assert data["meanings"].keys() == {invariant.value for invariant in Invariant}


def test_a_page_is_written_beside_the_json_and_before_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    broken = verdict(
        violations=[Violation(Invariant.EVENTS, "half of a pair: \ud800", "l", "j")],
        found={Invariant.EVENTS: 1},
    )
    Asked(monkeypatch, broken)
    shown = call("--html", str(page), "--json")
    assert shown.exit_code == 1
    assert json.loads(shown.stdout) == broken.document() == page_data(page)["verdict"]
    assert call("--html", str(page)).exit_code == 1


def test_a_ledger_that_is_none_ends_with_2(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reading, "StorageEvidence", lambda *_: Records(eventful()))
    shown = call("--patience", "0", "--sink", str(file_of(tmp_path, "nonsense\n")))
    assert shown.exit_code == 2
    assert "line 1 of the ledger is not an effect" in shown.stderr
