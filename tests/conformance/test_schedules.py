"""Schedules on every implementation of the journal port: their rows, their ranges and their transactions."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.conformance.stores import Store
from tests.unit.schedules.desk import Noted

from contracts.schedules import ScheduleDefinition
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import Submitter
from coordination.clock import VirtualClock
from coordination.testing.memory import InMemoryNotifier
from coordination.testing.worker_directory import InMemoryWorkerDirectory
from schedules import DuePace, DueSchedules, FiringRow, Firings, ScheduleService, ScheduleStore
from submission import Acceptance, KnownKinds, SubmissionService


def definition(**fields: Any) -> ScheduleDefinition:
    asked = {
        "cron": "0 * * * *",
        "job": {"kind": "report", "parameters": {"text": "ü\U0001f680" * 9000}},
        **fields,
    }
    return ScheduleDefinition.model_validate(asked)


class Place:
    """Schedules and jobs of one store, in virtual time."""

    def __init__(self, store: Store) -> None:
        self.clock = VirtualClock(datetime(2026, 1, 1, tzinfo=UTC))
        self.store = ScheduleStore(store.journal, self.clock, call_timeout=10.0)
        kinds = KnownKinds(InMemoryWorkerDirectory(), self.clock)
        writer = JobWriter(store.journal, InMemoryNotifier(), self.clock, call_timeout=10.0)
        submissions = SubmissionService(Submitter(store.register, writer), kinds)

        async def submit(firing: FiringRow) -> Acceptance:
            return await submissions.accept(firing.asked, firing.actor, "")

        self.firings = Firings(self.store, submit)
        self.people = ScheduleService(self.store, self.firings, kinds)

    def scheduler(self) -> DueSchedules:
        return DueSchedules(self.store, self.firings, Noted(), DuePace(patience=0.0))


async def test_a_schedule_lives_through_all_that_people_and_schedulers_do(store: Store) -> None:
    place = Place(store)
    created, _ = await place.people.put("nightly", definition(), "ada", "why")
    assert await place.people.get("nightly") == created
    changed, _ = await place.people.put("nightly", definition(cron="30 * * * *"), "bob")
    assert changed.next_due == "2026-01-01T00:30:00.000000Z"
    place.clock.jump(1800)
    await place.scheduler().look()
    await place.scheduler().look()
    (first,) = (await place.people.get("nightly")).firings
    assert await store.register.find(str(first.job_id)) is not None
    place.clock.jump(60)
    by_hand = await place.people.run("nightly", "bob", key="k")
    assert await place.people.run("nightly", "bob", key="k") == by_hand
    await place.people.pause("nightly", "ada")
    await place.people.resume("nightly", "ada")
    row = await place.people.get("nightly")
    assert [one.outcome for one in row.firings] == ["submitted", "submitted"]
    assert row.next_due == "2026-01-01T01:30:00.000000Z"
    await place.people.delete("nightly", "ada")
    assert [row.key for row in await place.store.agenda(9)] == []
    trail = await place.people.events("nightly", 9)
    assert [event.action for event in trail] == ["created", "changed", "run", "paused", "resumed", "deleted"]
    assert await place.people.events("nightly", 9, trail[3].event_id) == trail[4:]


async def test_two_schedulers_that_are_refused_and_lose_answers_fire_each_due_time_once(store: Store) -> None:
    place = Place(store)
    await place.people.put("nightly", definition(job={"kind": "report"}), "ada")
    place.clock.jump(3600)
    first, second = place.scheduler(), place.scheduler()
    stale = await place.store.agenda(9)
    await first.look()
    # It read the agenda before the other one moved it.
    await second._see_to(stale, place.clock.now())
    (said,) = (await place.people.get("nightly")).firings
    assert said.due_at == datetime(2026, 1, 1, 1, tzinfo=UTC)
    registered = [job.job_id async for job in store.register.all()]
    assert registered == [said.job_id]


async def test_the_agenda_is_in_the_order_of_time_with_firings_first(store: Store) -> None:
    place = Place(store)
    for number, name in enumerate(("c", "a", "b")):
        start = (place.clock.now() + timedelta(days=5 - number)).isoformat()
        await place.people.put(
            name, definition(interval=60, cron=None, start=start, job={"kind": "k"}), "ada"
        )
    agenda = [row.key for row in await place.store.agenda(9)]
    assert agenda == [
        f"agenda|waiting|2026-01-0{day}T00:00:00.000000Z|{name}"
        for day, name in ((4, "b"), (5, "a"), (6, "c"))
    ]
    assert [row.key for row in await place.store.agenda(1, agenda[0])] == agenda[1:2]
    assert [row.name for row in await place.people.all(2)] == ["a", "b"]
    assert [row.name for row in await place.people.all(9, "b")] == ["c"]
