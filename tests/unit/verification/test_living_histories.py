"""A history may be read while it goes on: what only does not fit together yet is no violation."""

from collections.abc import AsyncIterator, Sequence

import pytest
from tests.unit.verification.asking import broken
from tests.unit.verification.authored import Author
from tests.unit.verification.records import Records, told_of

from coordination.journal import rows
from verification import Place, Stored, TrailEvent


class ChangingRecords(Records):
    """Gives an earlier state at first, of the journal and of the trail, as a slow reader sees it."""

    def __init__(self, author: Author, first: list[Stored]) -> None:
        super().__init__(author)
        self._first = first
        self.readings = 0
        self.late_trail: list[list[TrailEvent]] = []

    async def journal(self, partition: str | None) -> AsyncIterator[Sequence[Stored]]:
        self.readings += 1
        if self.readings == 1:
            yield self._first
            return
        async for page in super().journal(partition):
            yield page

    async def trail(self, job_id: str | None) -> AsyncIterator[Sequence[TrailEvent]]:
        if self.late_trail:
            yield [told for told in self.late_trail.pop(0) if job_id in {None, told.partition}]
            return
        async for page in super().trail(job_id):
            yield page


def two_runs() -> tuple[Author, str, list[Stored], list[Stored]]:
    """Return the first of two runs while it goes on, its later state, and the state at the end."""
    author = Author()
    one, other = author.submit(), author.submit()
    author.start(one)
    author.step(one, "a")
    before = author.stored()
    author.end(one, chain=other)
    author.step(other, "a")
    return author, one, before, author.stored()


def read_in_between(job: str, before: list[Stored], after: list[Stored]) -> list[Stored]:
    """Return what a reader sees who read one job before a hand-over and everything else after it."""
    of_job = [row for row in before if row.key.startswith(rows.event_prefix(job))]
    return of_job + [row for row in after if not row.key.startswith(rows.event_prefix(job))]


async def test_a_run_that_was_read_before_its_end_and_the_next_one_after_do_not_overlap() -> None:
    author, one, before, after = two_runs()
    records = ChangingRecords(author, read_in_between(one, before, after))
    assert await broken(records) == {}
    assert records.readings > 1


async def test_what_is_found_again_is_a_violation_although_work_goes_on() -> None:
    author, one, before, after = two_runs()
    author.event(one, 4)["message"] = "altered"
    records = ChangingRecords(author, read_in_between(one, before, after))
    assert set(await broken(records)) == {"I1"}


@pytest.mark.parametrize(("patience", "found"), [(5.0, set()), (0.0, {"I7"})])
async def test_the_trail_is_given_time_to_catch_up(patience: float, found: set[str]) -> None:
    author, _, _, after = two_runs()
    records = ChangingRecords(author, after)
    behind = told_of(after)
    behind.pop()
    # At the first pass, the close look, and another one.
    records.late_trail = [behind, behind, behind]
    assert set(await broken(records, patience_seconds=patience)) == found


@pytest.mark.parametrize(("patience", "found"), [(5.0, set()), (0.0, {"I9"})])
async def test_active_jobs_and_leases_are_given_time(patience: float, found: set[str]) -> None:
    author, one, _, _ = two_runs()
    author.end(next(job for job in author.jobs if job != one))

    class Settling(ChangingRecords):
        looks = 0

        async def active(self) -> AsyncIterator[Sequence[Place]]:
            async for page in super().active():
                yield page
            self.listed.clear()

        async def is_free(self, partition: str) -> bool:
            self.looks += 1
            return self.looks > 2

    records = Settling(author, author.stored())
    records.listed[one] = author.partition
    assert set(await broken(records, patience_seconds=patience)) == found


async def test_a_job_that_came_and_began_after_an_idle_locks_jobs_were_read_is_no_violation() -> None:
    author = Author()
    one = author.submit()
    author.start(one)
    author.end(one)
    idle = [row for row in author.stored() if row.key != rows.lock_key()]
    author.start(author.submit())
    records = ChangingRecords(
        author, [*idle, *(row for row in author.stored() if row.key == rows.lock_key())]
    )
    assert await broken(records) == {}
    assert records.readings > 1
