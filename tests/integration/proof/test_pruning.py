"""Removing jobs from real tables: the checker is asked before, and proves what stays after it."""

from datetime import UTC, datetime

from tests.integration.proof.conftest import Written
from tests.unit.verification.authored import job_id

from audit_projector.projection import Projection
from audit_projector.rebuild import replay
from azure_storage.journal import TableJournal
from azure_storage.read_models import TableReadModels, TableReadModelWriter
from azure_storage.register import TableRegister
from coordination.journal import rows
from coordination.maintenance.pruning import Pruned
from proof.pruning import pruning_of


async def prune(written: Written, *locks: str) -> list[Pruned]:
    pruning = pruning_of(written.connection, TableReadModels(written.connection))
    return [done async for done in pruning.prune(locks, datetime.now(UTC), "ann")]


async def all_rows(written: Written) -> dict[str, int]:
    """Count the rows of each table."""
    names = written.connection.names
    tables = {
        name: names.table(name) for name in ("JobAuditTrail", "RecentEvents", "JobSummaries", "LockRuns")
    }
    tables |= {"Journal": names.journal_table, "JobIndex": names.index_table}
    found = {}
    for name, table in tables.items():
        found[name] = len([row async for row in written.connection.table(table).list_entities()])
    return found


async def test_what_stays_is_proved_and_a_rebuild_brings_nothing_back(written: Written) -> None:
    assert await written.broken() == {}
    before = await all_rows(written)
    idle, busy = await prune(written, "ledger", "busy")
    assert (idle.jobs, idle.refusal, busy.jobs, busy.refusal) == (5, "", 0, "")
    after = await all_rows(written)
    gone = sum(before.values()) - sum(after.values())
    # The mark came in addition.
    assert gone == idle.deleted - 1
    events = sum(job.seq for job in written.busy.jobs.values())
    assert (after["JobAuditTrail"], after["RecentEvents"]) == (events, events)
    assert (after["JobSummaries"], after["LockRuns"]) == (3, 1)
    assert after["JobIndex"] == before["JobIndex"]
    verdict = await written.verdict()
    assert verdict.holds
    assert [(one.lock, one.jobs, one.runs, one.fence) for one in verdict.removals] == [("ledger", 5, 7, 7)]

    models = TableReadModelWriter(written.connection)
    register = TableRegister(written.connection)
    await models.wipe()
    projection = Projection(TableJournal(written.connection), register, models, lambda _: None)
    jobs, _ = await replay(register.all(), projection)
    assert jobs == 3
    assert await all_rows(written) == after
    assert await written.broken() == {}
    assert await prune(written, "ledger") != []
    assert await written.broken() == {}


async def test_a_history_that_does_not_verify_is_not_removed(written: Written) -> None:
    event = rows.event_key(job_id(2), 3)
    before = await all_rows(written)
    async with written.changed("Journal", event, message="forged"):
        (refused,) = await prune(written, "ledger")
        assert refused.jobs == 0
        assert refused.refusal == "I1: the hash of event 3 does not match its content"
    assert await all_rows(written) == before


async def test_a_deletion_without_a_mark_is_found_and_nothing_more_is_removed(written: Written) -> None:
    await prune(written, "ledger")
    await written.delete("Journal", "removed|mark")
    assert list(await written.broken()) == ["I13"]
    (refused,) = await prune(written, "ledger")
    assert refused.jobs == 0
