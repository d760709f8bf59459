"""turnstile prune: its options, what it shows, and its exit codes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.coordination.removal_world import Installation
from tests.unit.verification.authored import Author, eventful
from typer.testing import CliRunner, Result

from command_line.main import app
from command_line.moments import option_age
from command_line.pruning import command
from coordination.ports import UnknownOutcomeError
from proof import NoTablesError

KEPT = ("active", "young", "not_projected", "retried", "pinned", "behind")

NOWHERE = (
    "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;"
    "BlobEndpoint=http://127.0.0.1:9/a;TableEndpoint=http://127.0.0.1:9/a;"
)


class Desk:
    """The command on an installation in memory."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made = Installation()
        self.fails: Exception | None = None
        monkeypatch.setattr(command, "connected_pruning", self._connected)
        monkeypatch.setenv("TURNSTILE_STORAGE_CONNECTION_STRING", NOWHERE)
        monkeypatch.setenv("COLUMNS", "200")

    @asynccontextmanager
    async def _connected(self, _: object) -> AsyncIterator[Any]:
        if self.fails is not None:
            raise self.fails

        async def known_locks() -> list[str]:
            return sorted(lock.lock for lock in self.made.models.known_locks.values())

        yield self.made.pruning(), known_locks

    def call(self, *words: str, age: str = "0s") -> Result:
        return CliRunner().invoke(app, ["prune", "--older-than", age, *words])

    async def write(self, *authors: Author) -> None:
        await self.made.write(*authors)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


@pytest.fixture
def filled(desk: Desk) -> Desk:

    busy = Author("busy", first_number=50)
    busy.start(busy.submit())
    asyncio.run(desk.write(eventful(), busy))
    return desk


def test_it_is_only_shown_what_would_go(filled: Desk) -> None:
    shown = filled.call()
    assert shown.exit_code == 0, shown.output
    assert "5 jobs with 31 events and at least 105 rows would be removed" in shown.output
    assert "1 jobs stay. Nothing was changed: --yes removes them." in shown.output
    assert filled.made.removed() == set()
    document = json.loads(filled.call("--json").stdout)
    assert document["carried_out"] is False
    assert document["locks"] == [
        {
            "lock": "busy",
            "removable": {"jobs": 0, "runs": 0, "events": 0, "rows": 0},
            "kept": dict.fromkeys(KEPT, 0) | {"active": 1},
            "removed_before": 0,
        },
        {
            "lock": "ledger",
            "removable": {"jobs": 5, "runs": 7, "events": 31, "rows": 105},
            "kept": dict.fromkeys(KEPT, 0),
            "removed_before": 0,
        },
    ]


def test_with_yes_it_goes_and_the_next_time_there_is_nothing(filled: Desk) -> None:
    shown = filled.call("--yes", "--actor", "ann")
    assert shown.exit_code == 0, shown.output
    assert "5 jobs were removed, " in shown.output
    assert len(filled.made.removed()) == 5
    assert filled.made.mark(Author("ledger").partition).actor == "ann"
    for words in ([], ["--yes"]):
        shown = filled.call(*words)
        assert shown.exit_code == 0
        assert "Nothing to remove: no job ended before " in shown.output


def test_chosen_locks_are_spelled_as_workers_spell_them(filled: Desk) -> None:
    document = json.loads(filled.call("--lock", " busy ", "--lock", "busy", "--yes", "--json").stdout)
    assert [lock["lock"] for lock in document["locks"]] == ["busy"]
    assert document["locks"][0]["removed"] == {"jobs": 0, "rows": 0}
    assert document["locks"][0]["refusal"] is None
    assert filled.made.removed() == set()


def test_a_lock_that_is_left_alone_is_named_and_the_exit_code_says_so(filled: Desk) -> None:
    filled.made.refusals = {"ledger": "I2: two runs overlap"}
    shown = filled.call("--yes")
    assert shown.exit_code == 1
    assert "Lock ledger: 5 jobs were left: I2: two runs overlap" in shown.output


@pytest.mark.parametrize("age", ["", "30", "d", "1.5d", "-1d", "30 days", "1y", "9999999d", "36501d"])
def test_an_age_that_is_none_is_refused_with_an_example(desk: Desk, age: str) -> None:
    shown = desk.call(age=age)
    assert shown.exit_code == 2
    assert "--older-than" in shown.output
    assert "30d" in shown.output


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("45s", timedelta(seconds=45)),
        ("90m", timedelta(minutes=90)),
        ("12h", timedelta(hours=12)),
        ("30d", timedelta(days=30)),
        (" 2w", timedelta(weeks=2)),
    ],
)
def test_ages_are_read(text: str, age: timedelta) -> None:
    assert option_age("--older-than", text) == age


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (UnknownOutcomeError("no answer"), 5, "the storage does not answer: no answer; repeat the command"),
        (NoTablesError("there are no tables"), 2, "nothing to remove: there are no tables"),
    ],
)
def test_what_went_wrong_is_said(desk: Desk, error: Exception, code: int, sentence: str) -> None:
    desk.fails = error
    shown = desk.call()
    assert (shown.exit_code, shown.stdout) == (code, "")
    assert sentence in shown.stderr


def test_a_lock_of_an_impossible_name_is_refused(desk: Desk) -> None:
    shown = desk.call("--lock", "")
    assert shown.exit_code == 2
    assert "--lock" in shown.stderr
