"""The audit-projector as it runs: messages in, rows out, whatever happens to broker and storage."""

import json

import pytest
from deploy.servers import private
from deploy.servers.private import RabbitMQ
from tests.integration.audit_projector.running import Installation, installation, projector
from tests.waiting import until

from contracts.jobs import Event
from contracts.lock_names import partition
from coordination.journal.events import announcements
from coordination.journal.rows import EventRow, event_prefix
from read_models.filters import JobFilter
from service_defaults.broker import events_exchange

pytestmark = pytest.mark.integration

WHOLE_LIFE = ["Submitted", "LeaseAcquired", "Started", "Completed"]


async def tell(place: Installation, lock: str, job_id: str, *seqs: int) -> None:
    """Announce these events of a job."""
    stored = await place.journal.read_range(partition(lock), event_prefix(job_id))
    events = [EventRow.from_row(row) for row in stored]
    for event in events:
        if event.seq in seqs:
            place.notifier.announce(announcements([event]))


async def is_projected(place: Installation, job_id: str) -> bool:
    return await place.statuses(job_id) == WHOLE_LIFE and job_id not in await place.active()


async def test_a_lost_announcement_is_made_up_for_by_the_next(place: Installation) -> None:
    async with projector(place.settings):
        job_id = await place.submit("ledger")
        await place.run("ledger")
        await tell(place, "ledger", job_id, 4)
        await until(lambda: is_projected(place, job_id))
        page = await place.models.events(10)
        assert [event.status.value for event in page.items] == WHOLE_LIFE[::-1]
        (summary,) = (await place.models.jobs(JobFilter(), 10)).items
        assert await place.models.projected_seqs({job_id: summary.submitted_at}) == {job_id: 4}
        assert (summary.job_id, summary.status, summary.lock) == (job_id, "Completed", "ledger")
        (lock_run,) = (await place.models.lock_runs("ledger", 10)).items
        assert (lock_run.job_id, lock_run.worker, lock_run.outcome) == (job_id, "w", "Completed")
        assert [known.lock for known in (await place.models.locks(10)).items] == ["ledger"]


async def test_two_projectors_and_many_repetitions_make_one_trail(place: Installation) -> None:
    async with projector(place.settings), projector(place.settings):
        jobs = [await place.submit("ledger") for _ in range(4)]
        for _ in jobs:
            await place.run("ledger")
        for seq in (4, 1, 3, 2, 2, 4, 1):
            for job_id in jobs:
                await tell(place, "ledger", job_id, seq)

        async def all_are_projected() -> bool:
            return all([await is_projected(place, job_id) for job_id in jobs])

        await until(all_are_projected)
        assert len((await place.models.events(100)).items) == 16
        assert len((await place.models.jobs(JobFilter(), 100)).items) == 4
        fences = [lock_run.fence for lock_run in (await place.models.lock_runs("ledger", 10)).items]
        assert fences == [4, 3, 2, 1]


async def test_a_message_that_names_what_cannot_be_is_set_aside(place: Installation) -> None:
    job_id = await place.submit("ledger")
    good = {"version": 1, "lock": "ledger", "job_id": job_id, "first": 1, "last": 1}
    wrong = [
        b"hello",
        json.dumps(good | {"job_id": "../../x?#"}).encode(),
        json.dumps(good | {"lock": "\u0000"}).encode(),
        json.dumps(good | {"first": 0}).encode(),
    ]
    async with projector(place.settings):
        for body in wrong:
            await place.broker.publish(
                body, exchange=events_exchange(place.settings.topology), routing_key="job"
            )
        connection = await place.broker.connect()
        async with connection.channel() as channel:
            name = place.settings.topology.quarantine_queue

            async def are_set_aside() -> bool:
                queue = await channel.declare_queue(name, passive=True, robust=False)
                return queue.declaration_result.message_count == len(wrong)

            await until(are_set_aside)


async def _first_event(place: Installation, job_id: str) -> Event:
    async with projector(place.settings):

        async def is_there() -> bool:
            return bool(await place.models.audit_trail(job_id))

        await until(is_there)
    return (await place.models.audit_trail(job_id))[0]


async def test_forged_news_of_a_job_put_nothing_into_the_trail(place: Installation) -> None:
    """Written as by an earlier release, which sent whole events: only their numbers are believed."""
    job_id = await place.submit("ledger")
    event = json.loads((await _first_event(place, job_id)).model_dump_json())
    forged = event | {"seq": 2, "event_id": f"{job_id}-000002", "status": "Completed", "message": "paid"}
    unknown = forged | {"job_id": "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"}
    async with projector(place.settings):
        for each in (forged, unknown):
            body = json.dumps({"version": 1, "lock": "ledger", "events": [each]}).encode()
            await place.broker.publish(
                body, exchange=events_exchange(place.settings.topology), routing_key="job"
            )
        await place.run("ledger")
        await tell(place, "ledger", job_id, 4)
        await until(lambda: is_projected(place, job_id))
        assert [event.message for event in await place.models.audit_trail(job_id)][1] != "paid"
        assert not await place.models.audit_trail(str(unknown["job_id"]))


async def test_nothing_is_lost_while_the_storage_is_away(
    rabbitmq: RabbitMQ, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with private.azurite(tmp_path_factory.mktemp("storage"), in_memory=True) as storage:
        async with (
            installation(rabbitmq.url, storage.connection_string) as place,
            projector(place.settings) as client,
        ):
            job_id = await place.submit("ledger")
            await place.run("ledger")
            stored = await place.journal.read_range(partition("ledger"), event_prefix(job_id))
            storage.pause()
            place.notifier.announce(announcements(map(EventRow.from_row, stored)))

            async def says_so() -> bool:
                answer = await client.get("/health/ready")
                return answer.status_code == 503 and "storage" in answer.json()["checks"]

            await until(says_so)
            storage.resume()
            await until(lambda: is_projected(place, job_id))
