"""The lists of jobs against the journal: every job that has ended, in each list that must have it.

A first pass goes through the lists and notes what looks wrong; that is looked up again until there is no more
time, as lists follow the journal with a delay. Few jobs are looked up at once. A job whose history is not in
order is left out: that is reported, and nothing can follow from it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence

from verification.evidence import Evidence
from verification.expected_rows import differences, listed_columns, places_of
from verification.findings import Invariant, Violation
from verification.listed import ALL_JOBS, ListedRow
from verification.register import read_facts
from verification.removals import known_removed, read_removed
from verification.scope import Scope
from verification.scratch_database import JobFacts, ScratchDatabase
from verification.waiting import Patience, batches

#: Jobs that are looked up again; of more, only their number is reported.
_MOST_CLOSE_LOOKS = 5000

#: Rows that should not be there.
_MOST_STRAY = 1000

_AT_ONCE = 16

_ALL_JUDGED = (
    "SELECT * FROM jobs WHERE in_scope AND ended_at != '' AND listed != ''"
    " AND job_id NOT IN (SELECT job_id FROM blamed)"
)
_WITH_TRACEBACK = f"{_ALL_JUDGED} AND traceback > 0"
_ONE_JUDGED = f"{_ALL_JUDGED} AND job_id = ?"


class JobListCheck:
    """Compares the lists of jobs with what the scratch database knows of the journal."""

    def __init__(self, evidence: Evidence, scratch: ScratchDatabase, scope: Scope) -> None:
        self._evidence = evidence
        self._scratch = scratch
        self._scope = scope
        self._suspects: dict[str, JobFacts] = {}
        self._suspects_beyond = 0
        self._stray: list[tuple[ListedRow, str]] = []

    async def check(self, patience: Patience, job_ids: Sequence[str] | None) -> AsyncIterator[Violation]:
        """Compare what the lists have of these jobs, or all lists."""
        if job_ids is None:
            await self._read_all()
        else:
            for facts in self._facts(_ALL_JUDGED):
                self._suspects[facts.job_id] = facts
        async for is_last in patience.looks():
            found = [violation async for violation in self._look_up()]
            if is_last or not found:
                break
        for violation in found:
            yield violation
        async for violation in self._judge_stray():
            yield violation
        if self._suspects_beyond:
            yield Violation(Invariant.LISTS, f"{self._suspects_beyond} more jobs are listed otherwise")
        async for violation in self._check_tracebacks():
            yield violation

    # --- the first pass ---------------------------------------------------------

    async def _read_all(self) -> None:
        async for page in self._evidence.listed_jobs():
            for row in page:
                self._see(row)
        for facts in self._facts(_ALL_JUDGED):
            seen = {place for (place,) in self._places(facts.job_id)}
            if not seen.issuperset(places_of(facts)):
                self._suspect(facts)

    def _see(self, row: ListedRow) -> None:
        if self._scope.locks and row.values.get("Lock") not in self._scope.locks:
            return
        job_id = str(row.values.get("JobId"))
        facts = next(self._facts("SELECT * FROM jobs WHERE job_id = ?", job_id), None)
        if facts is None and known_removed(self._scratch, job_id):
            # What a projector wrote late may be left of a removed job; it says nothing about others.
            return
        if facts is None or row.is_misplaced:
            self._note_stray(row, job_id)
            return
        self._scratch.add("listed_jobs", (job_id, row.place))
        if not self._is_judged(job_id):
            return
        if row.place not in places_of(facts):
            self._note_stray(row, job_id)
        elif differences(listed_columns(row.place, facts), row.values):
            self._suspect(facts)

    def _suspect(self, facts: JobFacts) -> None:
        if len(self._suspects) < _MOST_CLOSE_LOOKS or facts.job_id in self._suspects:
            self._suspects[facts.job_id] = facts
        else:
            self._suspects_beyond += 1

    def _note_stray(self, row: ListedRow, job_id: str) -> None:
        if len(self._stray) < _MOST_STRAY:
            self._stray.append((row, job_id))

    # --- the close look ---------------------------------------------------------

    async def _look_up(self) -> AsyncIterator[Violation]:
        for some in batches(list(self._suspects.values()), _AT_ONCE):
            for facts, found in zip(some, await asyncio.gather(*map(self._look_up_one, some)), strict=True):
                if not found:
                    # What is right stays so, as the job has ended.
                    del self._suspects[facts.job_id]
                for what in found:
                    yield _violation(what, facts)

    async def _look_up_one(self, facts: JobFacts) -> list[str]:
        found = []
        for place in places_of(facts):
            row = await self._evidence.listed_job(facts.job_id, facts.submitted_at, place)
            if row is None:
                if await read_removed(self._evidence, facts.partition, facts.job_id) is not None:
                    return []
                found.append(f"it is {facts.status}, but is not in {_name(place)}")
                continue
            expected = listed_columns(place, facts)
            found += [f"{_name(place)} says {what}" for what in differences(expected, row.values)]
        return found

    async def _judge_stray(self) -> AsyncIterator[Violation]:
        for row, job_id in self._stray:
            facts = next(self._facts("SELECT * FROM jobs WHERE job_id = ?", job_id), None)
            name = _name(row.place)
            if facts is not None and self._is_judged(job_id):
                what = (
                    "under the keys of another job or time" if row.is_misplaced else f"but is {facts.status}"
                )
                yield _violation(f"it is in {name}, {what}", facts)
            elif facts is None and not (self._is_blamed(job_id) or await self._has_begun(job_id)):
                yield Violation(Invariant.LISTS, f"it is in {name}, but not in the journal", None, job_id)

    async def _has_begun(self, job_id: str) -> bool:
        """Return whether the journal has, or had, a job; it may have come after the journal was read."""
        place = await self._evidence.find(job_id)
        if place is None:
            return False
        removed = await read_removed(self._evidence, place.partition, job_id)
        return removed is not None or await read_facts(self._evidence, place.partition, job_id) is not None

    # --- errors -----------------------------------------------------------------

    async def _check_tracebacks(self) -> AsyncIterator[Violation]:
        failed = self._facts(_WITH_TRACEBACK)
        for some in batches(failed, _AT_ONCE):
            texts = await asyncio.gather(
                *(self._evidence.traceback(one.partition, one.job_id) for one in some)
            )
            for facts, text in zip(some, texts, strict=True):
                if text is None and await read_removed(self._evidence, facts.partition, facts.job_id) is None:
                    yield _violation("the traceback of its error is missing", facts)
                elif text is not None and len(text) != facts.traceback:
                    what = f"has {len(text)} characters, the journal says {facts.traceback}"
                    yield _violation(f"the traceback of its error {what}", facts)

    # --- what is known ------------------------------------------------------------

    def _facts(self, query: str, *values: object) -> Iterator[JobFacts]:
        return (JobFacts(*row) for row in self._scratch.query(query, *values))

    def _places(self, job_id: str) -> list[tuple[str]]:
        return list(self._scratch.query("SELECT place FROM listed_jobs WHERE job_id = ?", job_id))

    def _is_blamed(self, job_id: str) -> bool:
        return self._scratch.one("SELECT 1 FROM blamed WHERE job_id = ?", job_id) is not None

    def _is_judged(self, job_id: str) -> bool:
        return self._scratch.one(_ONE_JUDGED, job_id) is not None


def _violation(what: str, facts: JobFacts) -> Violation:
    return Violation(Invariant.LISTS, what, facts.lock, facts.job_id)


def _name(place: str) -> str:
    return "the list of jobs" if place == ALL_JOBS else f"the list {place}"
