"""What every implementation does that deletes the rows of removed jobs, whatever it knows of their events."""

from collections.abc import Collection, Sequence

import pytest
from tests.conformance.stores import Models
from tests.unit.verification.authored import Author, eventful

from audit_projector.projection import Projection
from contracts import lock_names
from coordination.journal import rows
from coordination.journal.rows import EventRow
from coordination.ports import Insert, Transaction, UnknownOutcomeError
from coordination.testing.memory import InMemoryJournal, InMemoryRegister
from read_models.filters import JobFilter


async def project(tables: Models, *authors: Author) -> None:
    journal = InMemoryJournal()
    projection = Projection(journal, InMemoryRegister(), tables.writer, lambda _: None)
    for author in authors:
        inserts = [Insert(row.key, row.values) for row in author.stored()]
        await journal.commit(author.partition, Transaction("written", inserts), 1)
        for job, row in author.jobs.items():
            await projection.project(author.lock, job, row.seq)


def events_of(author: Author, job: str) -> Sequence[EventRow]:
    prefix = rows.event_prefix(job)
    return [EventRow.from_values(row.values) for row in author.stored() if row.key.startswith(prefix)]


async def listed(tables: Models, lock: str) -> dict[str, set[str]]:
    """Return the jobs of a lock by the lists that they are in."""
    found: dict[str, set[str]] = {}
    for name, wanted in {
        "all": JobFilter(),
        "failed": JobFilter(statuses=frozenset({"Failed"})),  # type: ignore[arg-type]
        "cancelled": JobFilter(statuses=frozenset({"Cancelled"})),  # type: ignore[arg-type]
        "taken over": JobFilter(taken_over=True),
    }.items():
        page = await tables.models.jobs(wanted, 100)
        found[name] = {job.job_id for job in page.items if job.lock == lock}
    recent = await tables.models.events(200)
    found["recent"] = {event.job_id for event in recent.items if event.lock == lock}
    runs = await tables.models.lock_runs(lock, 100)
    found["runs"] = {str(run.job_id) for run in runs.items}
    return found


@pytest.mark.parametrize("knows_events", [True, False])
async def test_a_removed_job_is_in_no_list_and_all_others_are(tables: Models, knows_events: bool) -> None:
    author, other = eventful(), eventful("other", first_number=50)
    await project(tables, author, other)
    before, others = await listed(tables, "ledger"), await listed(tables, "other")
    assert all(before.values())
    gone = list(author.jobs)[1:4]
    known = {job: events_of(author, job) if knows_events else None for job in gone}
    trail = sum(author.jobs[job].seq for job in gone)
    runs = sum(author.jobs[job].attempt for job in gone)
    # Each in the list of all; three in lists of rare states: failed, cancelled, taken over.
    rows_there = 2 * trail + runs + 3 + 3
    assert await tables.projected_rows.delete(author.partition, known) == rows_there
    after = await listed(tables, "ledger")
    assert after == {name: jobs - set(gone) for name, jobs in before.items()}
    assert await listed(tables, "other") == others
    for job in author.jobs:
        assert len(await tables.models.audit_trail(job)) == (0 if job in gone else author.jobs[job].seq)
    # Nothing is left to be deleted.
    assert await tables.projected_rows.delete(author.partition, known) == 0
    assert await listed(tables, "ledger") == after


async def test_jobs_that_nothing_is_known_of_have_no_rows(tables: Models) -> None:
    assert await tables.projected_rows.delete(lock_names.partition("ledger"), {"unknown": None}) == 0


async def test_without_an_answer_it_may_be_repeated(tables: Models) -> None:
    author = eventful()
    await project(tables, author)
    known = dict.fromkeys(author.jobs)
    tables.lose_answers(True)
    with pytest.raises(UnknownOutcomeError):
        await tables.projected_rows.delete(author.partition, known)
    tables.lose_answers(False)
    await tables.projected_rows.delete(author.partition, known)
    assert not any((await listed(tables, "ledger")).values())
    for job in author.jobs:
        assert await tables.models.audit_trail(job) == []


async def test_an_audit_trail_stays_where_it_is_kept_and_goes_by_itself(tables: Models) -> None:
    author, other = eventful(), eventful("other", first_number=50)
    await project(tables, author, other)
    gone = list(author.jobs)[1:4]
    known = {job: events_of(author, job) for job in gone}
    runs = sum(author.jobs[job].attempt for job in gone)
    trail = sum(author.jobs[job].seq for job in gone)
    deleted = await tables.projected_rows.delete(author.partition, known, keeps_trail=True)
    assert deleted == trail + runs + 3 + 3
    found = await listed(tables, "ledger")
    assert not any(jobs & set(gone) for jobs in found.values())
    for job in gone:
        hashes = [event.hash for event in known[job]]
        assert await tables.projected_rows.trail_hashes(job) == hashes
    lengths = {job: author.jobs[job].seq for job in gone}
    assert await tables.projected_rows.delete_trails(lengths) == trail
    assert await tables.projected_rows.delete_trails(lengths) == 0
    for job in gone:
        assert await tables.projected_rows.trail_hashes(job) == []
    assert await listed(tables, "ledger") == found
    assert len(await tables.models.audit_trail(next(iter(other.jobs)))) > 0


async def test_trails_of_archived_jobs_stay_when_all_else_is_derived_again(tables: Models) -> None:
    author = eventful()
    await project(tables, author)
    kept, *others = author.jobs
    asked: list[str] = []

    async def archived(job_ids: Collection[str]) -> set[str]:
        asked.extend(job_ids)
        return {kept}

    counts = await tables.writer.wipe(archived)
    assert sorted(asked) == sorted(author.jobs)
    assert counts["JobAuditTrail"] == sum(author.jobs[job].seq for job in others)
    assert len(await tables.models.audit_trail(kept)) == author.jobs[kept].seq
    for job in others:
        assert await tables.models.audit_trail(job) == []
