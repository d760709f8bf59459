"""A lock that looked wrong while it was read is read again: what is found then is all that counts."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from tests.unit.verification.asking import HurriedClock, broken, file_of, the_violation, verdict_on
from tests.unit.verification.authored import Author, effect
from tests.unit.verification.breaking import FIRST, SECOND, running
from tests.unit.verification.records import Records

from coordination.journal import rows
from verification import Question, Stored, steps, verify


class Readings(Records):
    """Gives one state after the other to those who read the journal, and then the last one for ever."""

    def __init__(self, author: Author, *states: Sequence[Stored]) -> None:
        super().__init__(author)
        self._states = [*states, author.stored()]
        self.readings = 0

    async def journal(self, partition: str | None) -> AsyncIterator[Sequence[Stored]]:
        state = self._states[min(self.readings, len(self._states) - 1)]
        self.readings += 1
        yield state


def without(stored: Sequence[Stored], key: str) -> list[Stored]:
    assert any(row.key == key for row in stored)
    return [row for row in stored if row.key != key]


def two_jobs() -> Author:
    """Return a job that has run, in part twice, and one that runs."""
    author = running()
    author.step(FIRST, "a")
    author.interrupt(FIRST)
    author.start(FIRST)
    author.step(FIRST, "b")
    author.end(FIRST, chain=author.submit())
    author.step(SECOND, "a")
    return author


@pytest.mark.parametrize("readings", [1, 2])
async def test_what_is_not_found_again_is_no_violation_and_counts_for_nothing(readings: int) -> None:
    author = two_jobs()
    once = await verdict_on(Records(author))
    torn = without(author.stored(), rows.job_key(SECOND))
    records = Readings(author, *[torn] * readings)
    again = await verdict_on(records)
    assert records.readings == readings + 1
    assert again.violations == []
    assert again.counts == once.counts
    assert (again.in_line, again.hand_over, again.take_over) == (
        once.in_line,
        once.hand_over,
        once.take_over,
    )
    assert again.runs == once.runs


async def test_what_is_found_at_each_of_three_readings_is_a_violation() -> None:
    author = two_jobs()
    torn = without(author.stored(), rows.job_key(SECOND))
    records = Readings(author, torn, torn, torn)
    violation = await the_violation(records)
    assert violation.message == "its events end with Running, but it has no row"
    assert records.readings == 3


async def test_only_what_was_found_before_and_again_is_told() -> None:
    author = two_jobs()
    torn, other = (without(author.stored(), rows.job_key(job)) for job in (SECOND, FIRST))
    assert await broken(Readings(author, torn, other)) == {}
    author.event(FIRST, 1)["actor"] = "altered"
    torn = without(author.stored(), rows.job_key(SECOND))
    found = await broken(Readings(author, torn))
    assert found["I1"] == ["the hash of event 1 does not match its content"]


async def test_a_lock_on_which_work_goes_on_and_nothing_is_wrong_is_read_once() -> None:
    records = Readings(two_jobs())
    assert await broken(records) == {}
    assert records.readings == 1


async def test_there_is_a_pause_before_each_further_reading() -> None:
    author = two_jobs()
    torn = without(author.stored(), rows.job_key(SECOND))
    pauses: list[float] = []

    class Clock(HurriedClock):
        async def sleep(self, seconds: float) -> None:
            pauses.append(seconds)

    await verify(Readings(author, torn, torn), Clock(), Question(patience_seconds=0.0))
    assert pauses == [0.2, 0.2]


async def test_a_lock_on_which_nothing_goes_on_is_read_once() -> None:
    author = two_jobs()
    author.end(SECOND)
    records = Readings(author, without(author.stored(), rows.job_key(SECOND)))
    assert set(await broken(records)) == {"I1"}
    assert records.readings == 1


@pytest.mark.parametrize(
    "key", [rows.job_key("new"), "line|ticket|05|new|new"], ids=["its row", "its ticket"]
)
async def test_a_job_that_came_while_a_lock_was_read_is_read_again(key: str) -> None:
    author = running()
    author.end(FIRST)
    torn = [*author.stored(), Stored(author.partition, key, {"job_id": "new", "status": "Queued"})]
    records = Readings(author, sorted(torn, key=lambda row: row.key))
    assert await broken(records) == {}
    assert records.readings == 2


# --- names of steps -------------------------------------------------------------------


@pytest.mark.parametrize("has_sink", [False, True])
@pytest.mark.parametrize("most", [1, 2, 3, 4])
async def test_a_step_that_comes_again_is_found_however_many_are_held_in_memory(
    most: int, has_sink: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(steps, "_MOST_HELD", most)
    author = running()
    lines = [effect(author, FIRST, "zero")]
    for name in ("a", "b", "c", "d"):
        author.step(FIRST, name)
    author.end(FIRST, chain=author.submit())
    for name in ("a", "b", "c"):
        author.step(SECOND, name)
    question = {"sink": file_of(tmp_path, *lines)} if has_sink else {}
    assert await broken(Records(author), **question) == {}
    torn = without(author.stored(), rows.job_key(SECOND))
    assert await broken(Readings(author, torn), **question) == {}, "read again, they do not come again"
    author.step(SECOND, "b")
    violation = await the_violation(Records(author), **question)
    assert (violation.invariant.value, violation.message) == ("I10", "step 'b' was recorded again")
    assert (violation.lock, violation.job_id, violation.fence) == ("ledger", SECOND, 2)
