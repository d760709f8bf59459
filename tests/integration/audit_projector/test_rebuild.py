"""Deriving the read models again gives what was there."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from tests.integration.audit_projector.running import Installation, projector
from tests.waiting import until

from audit_projector.rebuild import rebuild
from azure_storage.read_models.tables import Table, Tables
from azure_storage.worker_directory import TableWorkerDirectory
from contracts.jobs import Event, Kind, Worker
from contracts.statuses import JobStatus
from coordination.outcomes import Failed, Interrupted
from read_models.filters import JobFilter

pytestmark = pytest.mark.integration

FAILED, TAKEN_OVER = JobFilter(statuses={JobStatus.FAILED}), JobFilter(taken_over=True)

#: Columns that earlier releases did not write.
NEWER = {Table.SUMMARIES: {"CancelRequested", "QueuedAt"}, Table.LOCK_RUNS: {"Kind", "Name"}}


async def everything(place: Installation, jobs: list[str]) -> tuple[object, ...]:
    return (
        [await place.models.audit_trail(job_id) for job_id in jobs],
        (await place.models.events(1000)).items,
        (await place.models.jobs(JobFilter(), 1000)).items,
        (await place.models.jobs(FAILED, 1000)).items,
        (await place.models.jobs(TAKEN_OVER, 1000)).items,
        (await place.models.lock_runs("ledger", 100)).items,
        (await place.models.locks(100)).items,
    )


async def live(place: Installation, count: int) -> list[str]:
    jobs = [await place.submit("ledger") for _ in range(count)]
    for _ in jobs[1:]:
        await place.run("ledger")
    return jobs


async def test_a_rebuild_repairs_whatever_was_lost_or_put_in(place: Installation) -> None:
    jobs = await live(place, 4)
    first = await rebuild(place.settings)
    assert (first.jobs, first.events) == (4, 3 * 4 + 1)
    complete = await everything(place, jobs)
    assert [len(trail) for trail in complete[0]] == [4, 4, 4, 1]  # type: ignore[attr-defined]

    tables = Tables(place.storage)
    await tables.wipe("RecentEvents")
    await tables.upsert(
        "JobAuditTrail",
        [_put_in((await place.models.audit_trail(jobs[0]))[0])],
    )
    assert await everything(place, jobs) != complete
    await rebuild(place.settings)
    assert await everything(place, jobs) == complete
    assert await place.active() == {jobs[3]}


def _put_in(event: Event) -> dict[str, object]:
    return {
        "PartitionKey": event.job_id,
        "RowKey": f"{event.job_id}-000099",
        "JobId": event.job_id,
        "EventId": f"{event.job_id}-000099",
        "Status": "Completed",
        "Message": "forged",
        "TimestampUtc": event.timestamp_utc,
        "Seq": 99,
        "Attempt": 0,
        "Lock": "ledger",
        "Actor": "nobody",
        "Data": "{}",
    }


async def test_a_rebuild_puts_jobs_of_an_earlier_release_into_the_lists_of_their_states(
    place: Installation,
) -> None:
    """An earlier release wrote neither those lists nor the newer columns; what it wrote is still read."""
    jobs = [await place.submit("ledger") for _ in range(3)]
    await place.run("ledger", Failed("ValueError", "that was wrong"))
    await place.run("ledger", Interrupted("shutdown"))
    await place.run("ledger", Failed("ValueError", "again"))
    await rebuild(place.settings)
    complete = await everything(place, jobs)
    failed, taken_over = complete[3], complete[4]
    assert [job.job_id for job in failed] == jobs[1::-1]  # type: ignore[attr-defined]
    assert [job.job_id for job in taken_over] == jobs[1:2]  # type: ignore[attr-defined]

    tables = Tables(place.storage)
    earlier = []
    for table, newer in NEWER.items():
        earlier += [
            (table, {name: value for name, value in row.items() if name not in newer})
            async for row in tables.every(table)
            if not row["PartitionKey"].startswith("state|")
        ]
        await tables.wipe(table)
    for table, row in earlier:
        await tables.upsert(table, [row])
    old = await everything(place, jobs)
    assert [job.queued_at for job in old[2]] == [None] * 3  # type: ignore[attr-defined]
    assert [job.job_id for job in old[2]] == jobs[::-1]  # type: ignore[attr-defined]
    assert {run.kind for run in old[5]} == {None}  # type: ignore[attr-defined]
    assert (old[3], old[4]) == ([], [])

    await rebuild(place.settings)
    assert await everything(place, jobs) == complete


async def test_a_rebuild_keeps_the_kinds_and_the_workers(place: Installation) -> None:
    directory = TableWorkerDirectory(place.storage)
    kind = Kind(kind="ten-steps", parameters={}, published_at=datetime.now(UTC))
    worker = Worker(worker="host", seen_at=datetime.now(UTC), kinds=["ten-steps"])
    await directory.publish_kind(kind)
    await directory.record_heartbeat(worker)
    await rebuild(place.settings)
    assert (await directory.kinds(), await directory.workers()) == ([kind], [worker])


async def test_a_rebuild_while_everything_runs_leaves_nothing_out(place: Installation) -> None:
    async with projector(place.settings):
        jobs = await live(place, 6)
        await rebuild(place.settings)
        jobs += await live(place, 6)
        await rebuild(place.settings)

        async def all_are_there() -> bool:
            return [len(await place.statuses(job_id)) for job_id in jobs] == [4] * 10 + [1] * 2

        await until(all_are_there)
    quiet = await everything(place, jobs)
    counted = await rebuild(place.settings)
    assert (counted.jobs, counted.events) == (12, 10 * 4 + 2)
    assert await everything(place, jobs) == quiet
    assert await place.active() == set(jobs[10:])


async def test_the_command_says_what_it_did(place: Installation) -> None:
    await live(place, 2)
    connection = place.settings.storage_connection_string
    assert connection is not None
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "audit_projector.rebuild",
        env={
            **os.environ,
            "TURNSTILE_STORAGE_CONNECTION_STRING": connection.get_secret_value(),
            "TURNSTILE_STORAGE_NAMESPACE": place.settings.storage_namespace,
        },
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    assert output.decode().splitlines()[-1] == "2 jobs with 5 events projected"


def test_a_rebuild_without_storage_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "audit_projector.rebuild"],
        env={
            **os.environ,
            "TURNSTILE_STORAGE_CONNECTION_STRING": "AccountName=a;AccountKey=YQ==;"
            "BlobEndpoint=http://127.0.0.1:9/a;TableEndpoint=http://127.0.0.1:9/a",
        },
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Not rebuilt, try again: ")
