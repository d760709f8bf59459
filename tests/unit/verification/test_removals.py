"""I13: what was removed is counted, and what is missing otherwise is found."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.coordination.removal_world import LATER, Installation, any_history
from tests.unit.verification.asking import Scope, broken, file_of, the_violation, verdict_on
from tests.unit.verification.authored import Author, effect, eventful, job_id
from tests.unit.verification.records import Records

from contracts.statuses import EventStatus
from coordination.journal import rows
from coordination.journal.removal import MARK_KEY
from verification import Stored, TrailEvent

FIRST, SECOND, THIRD, FOURTH, FIFTH = (job_id(number) for number in range(1, 6))


def chained(count: int = 6) -> Author:
    """Return the history of jobs that ran one after the other, a second apart."""
    author = Author()
    jobs = [author.submit() for _ in range(count)]
    for job in jobs:
        author.pause(1)
        author.start(job)
        author.step(job, "one")
        author.end(job)
    return author


async def pruned(author: Author, jobs: int) -> Installation:
    """Write a history, and remove the first jobs of it."""
    made = Installation()
    await made.write(author)
    ends = sorted(job.finished_at for job in author.jobs.values() if job.finished_at)
    moment = LATER if jobs == len(ends) else _moment(ends[jobs])
    await made.prune(author.lock, ended_before=moment)
    assert len(made.removed()) == jobs
    return made


def _moment(text: str) -> Any:
    return type(LATER).fromisoformat(text)


def change(records: Records, key: str, **values: Any) -> None:
    """Change a row of the journal."""
    (partition,) = records.partitions
    records.partitions[partition] = [
        replace(row, values={**row.values, **values}) if row.key == key else row
        for row in records.partitions[partition]
    ]


def drop(records: Records, *prefixes: str) -> None:
    """Delete rows of the journal."""
    (partition,) = records.partitions
    found = [row for row in records.partitions[partition] if not row.key.startswith(prefixes)]
    assert len(found) < len(records.partitions[partition])
    records.partitions[partition] = found


def delete_by_hand(records: Records, job: str, *, also_its_id: bool = True) -> None:
    """Delete all that the tables have of a job, and what is derived from it."""
    drop(records, rows.event_prefix(job), rows.job_key(job))
    records.told = [told for told in records.told if told.partition != job]
    if also_its_id:
        del records.places[job]
    records.derive_lists()


# --- removed with a mark --------------------------------------------------------------


@pytest.mark.parametrize("jobs", range(1, 7))
async def test_what_stays_is_proved_and_what_went_is_told(jobs: int) -> None:
    made = await pruned(chained(), jobs)
    verdict = await verdict_on(made.records())
    assert verdict.holds
    (removal,) = verdict.removals
    assert removal.document() | {"removed_at": ""} == {
        "lock": "ledger",
        "jobs": jobs,
        "runs": jobs,
        "events": 5 * jobs,
        "fence": jobs,
        "removed_at": "",
        "actor": "ann",
        "forgotten": 0,
    }
    assert verdict.counts["jobs"] == 6 - jobs
    assert verdict.document()["removals"] == [removal.document()]


async def test_a_lock_of_which_all_was_removed_has_a_history() -> None:
    made = await pruned(chained(), 6)
    verdict = await verdict_on(made.records(), scope=Scope(("ledger",)))
    assert verdict.holds
    assert list((await verdict_on(Records(eventful()))).removals) == []


async def test_accepted_ids_of_removed_jobs_have_ended(tmp_path: Path) -> None:
    author = chained()
    made = await pruned(author, 4)
    accepted = file_of(tmp_path, *(f"{job}\n" for job in author.jobs))
    assert await broken(made.records(), accepted=accepted) == {}
    # Asked of another lock, the id is looked up.
    other = eventful("other", first_number=50)
    await made.write(other)
    assert await broken(made.records(), accepted=accepted, scope=Scope(("other",))) == {}
    records = made.records()
    records.partitions[author.partition] = [
        row for row in records.partitions[author.partition] if row.key != rows.job_key(FIRST)
    ]
    found = await broken(records, accepted=accepted)
    assert found["I3"] == ["it was accepted, but is not in the journal"]


async def test_effects_of_removed_runs_are_known(tmp_path: Path) -> None:
    author = chained()
    lines = [effect(author, job, "one") for job in author.jobs]
    made = await pruned(author, 4)
    assert await broken(made.records(), sink=file_of(tmp_path, *lines)) == {}
    forged = [effect(author, FIRST, "two", fence=2)]
    assert set(await broken(made.records(), sink=file_of(tmp_path, *forged))) == {"I4"}


async def test_rows_that_came_late_into_trail_and_lists_are_no_violation() -> None:
    author = chained()
    whole = Installation()
    await whole.write(author)
    before = whole.records()
    records = (await pruned(author, 4)).records()
    records.told, records.jobs, records.runs = before.told, before.jobs, before.runs
    assert await broken(records) == {}
    # But they are what was removed.
    told = next(told for told in records.told if told.partition == SECOND and told.event.seq == 5)
    records.told[records.told.index(told)] = replace(told, event=replace(told.event, hash="x"))
    violation = await the_violation(records)
    assert (violation.invariant.value, violation.job_id) == ("I7", SECOND)
    assert violation.message == "the trail of a removed job does not end as the job did"


# --- a mark that does not fit ---------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"jobs": 3}, "the mark of what was removed says jobs 3, its rows 4"),
        ({"runs": 5}, "the mark of what was removed says runs 5, its rows 4"),
        ({"events": 19}, "the mark of what was removed says events 19, its rows 20"),
        ({"fence": 5}, "the mark of what was removed says fence 5, its rows 4"),
        ({"fence": 3}, "the mark of what was removed says fence 3, its rows 4"),
        ({"digest": "0" * 64}, "the mark of what was removed does not fit the rows of the removed jobs"),
    ],
)
async def test_a_forged_mark_is_found(values: dict[str, Any], message: str) -> None:
    records = (await pruned(chained(), 4)).records()
    change(records, MARK_KEY, **values)
    violation = await the_violation(records)
    assert (violation.invariant.value, violation.message, violation.lock) == ("I13", message, "ledger")


async def test_removed_jobs_without_a_mark_are_found() -> None:
    records = (await pruned(chained(), 4)).records()
    drop(records, MARK_KEY)
    violation = await the_violation(records)
    assert violation.message == "4 jobs are removed, but the lock has no mark of a removal"


@pytest.mark.parametrize("values", [{"event_hash": "x"}, {"outcome": "Failed"}, {"finished_at": "2026"}])
async def test_the_row_of_a_removed_job_that_was_changed_is_found(values: dict[str, Any]) -> None:
    records = (await pruned(chained(), 4)).records()
    change(records, rows.job_key(SECOND), **values)
    assert set(await broken(records)) == {"I13"}


async def test_the_row_of_a_removed_job_that_is_gone_is_found() -> None:
    records = (await pruned(chained(), 4)).records()
    drop(records, rows.job_key(SECOND))
    found = (await broken(records))["I13"]
    assert "the mark of what was removed says jobs 4, its rows 3" in found
    assert "no run has the fence 2, and no removal explains that" in found
    assert "it is registered and not active, but the journal has nothing of it" in found


async def test_a_row_that_cannot_be_read_is_found() -> None:
    records = (await pruned(chained(), 4)).records()
    change(records, rows.job_key(SECOND), text_0="1,x")
    assert any("cannot be read" in message for message in (await broken(records))["I13"])


async def test_a_removed_job_with_events_is_found() -> None:
    author = chained()
    made = await pruned(author, 4)
    records = made.records()
    events = [row for row in author.stored() if row.key.startswith(rows.event_prefix(SECOND))]
    records.partitions[author.partition] = sorted(
        [*records.partitions[author.partition], *events], key=lambda row: row.key
    )
    violation = await the_violation(records)
    assert (violation.invariant.value, violation.job_id) == ("I13", SECOND)
    assert violation.message == "it was removed, but has events"
    # As it is for a while, until its removal is finished.
    change(records, MARK_KEY, removing=f'["{SECOND}"]')
    assert await broken(records) == {}


async def test_a_lock_row_that_was_set_back_below_what_was_removed_is_found() -> None:
    records = (await pruned(chained(), 6)).records()
    change(records, rows.lock_key(), fence=3)
    violation = await the_violation(records)
    assert violation.message == "the lock's row has fence 3, although a removed run had fence 6"


async def test_a_fence_that_is_used_again_after_a_removal_is_found() -> None:
    author = chained()
    made = await pruned(author, 4)
    again = Author(first_number=100, now=author.now)
    job = again.submit()
    again.start(job, fence=2)
    again.end(job)
    del again.rows[rows.lock_key()]
    await made.write(again)
    assert "a removed run had the fence 2, which job " + job + " has, too" in (
        await broken(made.records())
    ).get("I13", [])


# --- deleted by hand ------------------------------------------------------------------


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("removed", [0, 2])
async def test_a_job_that_was_deleted_by_hand_is_missing(number: int, removed: int) -> None:
    author = chained()
    made = await pruned(author, removed) if removed else Installation()
    if not removed:
        await made.write(author)
    records = made.records()
    if number < removed:
        return
    delete_by_hand(records, list(author.jobs)[number])
    violation = await the_violation(records)
    assert violation.message == f"no run has the fence {number + 1}, and no removal explains that"
    assert (violation.invariant.value, violation.fence) == ("I13", number + 1)


async def test_a_job_without_a_run_that_was_deleted_by_hand_is_missed_by_its_id() -> None:
    author = eventful()
    records = Records(author)
    delete_by_hand(records, FOURTH, also_its_id=False)
    violation = await the_violation(records)
    assert (violation.invariant.value, violation.job_id) == ("I13", FOURTH)
    assert violation.message == "it is registered and not active, but the journal has nothing of it"
    assert await broken(records, scope=Scope(("ledger",))) == {}, "few jobs are looked up by their ids"


async def test_an_id_that_is_active_or_closed_has_no_job() -> None:
    author = chained(2)
    records = Records(author)
    closed, active = job_id(500), job_id(501)
    records.places |= {closed: author.partition, active: author.partition}
    records.listed[active] = author.partition
    tombstone = {"job_id": closed, "status": "Tombstone", "lock_name": "ledger", "kind": ""}
    found = [*records.partitions[author.partition], Stored(author.partition, rows.job_key(closed), tombstone)]
    records.partitions[author.partition] = sorted(found, key=lambda row: row.key)
    assert await broken(records) == {}


async def test_a_take_over_that_starts_nothing_leaves_one_fence_without_a_run() -> None:
    author = Author()
    first, second = author.submit(), author.submit()
    author.start(first)
    author.find_cut_off(first, "w2")
    author.start(second)
    author.end(second)
    author.start(first)
    author.find_cut_off(first, "w2")
    assert await broken(Records(author)) == {}
    author.rows[rows.lock_key()][0]["fence"] += 1
    verdict = await verdict_on(Records(author))
    assert [violation.fence for violation in verdict.violations] == [5, 6]


@pytest.mark.parametrize("status", [EventStatus.COMPLETED, EventStatus.FAILED])
async def test_after_a_run_that_ended_or_whose_runner_died_no_fence_is_left_out(status: EventStatus) -> None:
    author = Author()
    first, second = author.submit(), author.submit()
    author.start(first)
    if status is EventStatus.FAILED:
        author.interrupt(first, died=True)
    else:
        author.end(first)
    author.start(second, fence=3)
    author.end(second)
    assert (await the_violation(Records(author))).fence == 2


# --- while it is removed --------------------------------------------------------------


class Living(Records):
    """What the stores hold, from which jobs are removed after the so-many-th page is read."""

    def __init__(self, made: Installation, page: int, prune: Callable[[], Any]) -> None:
        super().__init__()
        self._made, self._page, self._prune = made, page, prune
        self._refresh()

    def _refresh(self) -> None:
        # A lock stays in the list of locks.
        locks = getattr(self, "locks", {})
        vars(self).update(vars(self._made.records()))
        self.locks = locks | self.locks

    async def _turn(self) -> None:
        self._page -= 1
        if self._page == 0:
            await self._prune()
            self._refresh()

    async def journal(self, partition: str | None) -> AsyncIterator[Sequence[Stored]]:
        for name in [partition] if partition else sorted(self.partitions):
            last = ""
            while page := [row for row in self.partitions[name] if row.key > last][:7]:
                yield page
                last = page[-1].key
                await self._turn()

    async def trail(self, job_id: str | None) -> AsyncIterator[Sequence[TrailEvent]]:
        async for page in super().trail(job_id):
            yield page
            await self._turn()


@pytest.mark.parametrize("page", range(1, 25))
@pytest.mark.parametrize("seed", [8, 23])
async def test_a_history_may_be_verified_while_jobs_are_removed(page: int, seed: int) -> None:
    made = Installation()
    await made.write(any_history(seed), chained_elsewhere())
    assert await broken(Living(made, page, lambda: made.prune("ledger", "other"))) == {}
    assert await broken(made.records()) == {}


def chained_elsewhere() -> Author:
    """Return the history of another lock."""
    return eventful("other", first_number=50_000)
