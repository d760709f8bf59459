"""Schedulers fire what is due, once, and at the cost of what is due."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.schedules.desk import Desk, definition

from contracts.identifiers import id_of_due_time, new_id
from coordination.clients.cancellation import Canceller
from coordination.clients.job_writer import JobWriter
from coordination.ports import Insert, Transaction, UnknownOutcomeError, Value
from schedules.firing import Firings
from schedules.misfires import MOST_AT_ONCE
from schedules.rows import PARTITION, FiringRow
from submission import Acceptance

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = 3600.0


def stamp(hours: float) -> str:
    return (START + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def test_a_due_time_submits_a_job_that_names_its_schedule() -> None:
    desk = Desk()
    await desk.put(
        job={"kind": "report", "lock": "reports", "parameters": {"day": 7}, "properties": {"team": "a"}}
    )
    scheduler = desk.scheduler()
    desk.clock.jump(HOUR - 1)
    await scheduler.go()
    assert desk.jobs() == []
    desk.clock.jump(2)
    await scheduler.go()

    (job,) = desk.jobs()
    assert job.job_id == id_of_due_time("nightly", stamp(1))
    assert (job.kind, job.lock_name, job.parameters, job.actor) == (
        "report",
        "reports",
        '{"day":7}',
        "schedule:nightly",
    )
    assert json.loads(job.properties) == {"team": "a", "schedule": "nightly", "due_at": stamp(1)}
    row = await desk.row()
    assert (row.next_due, row.decided) == (stamp(2), stamp(1))
    (said,) = row.firings
    assert (said.outcome, said.job_id, said.trigger, said.due_at) == (
        "submitted",
        job.job_id,
        "due",
        START + timedelta(hours=1),
    )
    assert [(name, round(late)) for name, _, late in desk.noted.firings] == [("nightly", 1)]
    assert desk.keys("agenda|") == [f"agenda|waiting|{stamp(2)}|nightly"]
    assert [wake_up.job_id for wake_up in desk.notifier.wake_ups] == [job.job_id]


async def test_each_due_time_fires_once_however_often_it_is_looked_at() -> None:
    desk = Desk()
    await desk.put()
    schedulers = [desk.scheduler() for _ in range(3)]
    for _ in range(5):
        desk.clock.jump(HOUR)
        for scheduler in schedulers:
            await scheduler.look()
    assert sorted(job.job_id for job in desk.jobs()) == sorted(
        id_of_due_time("nightly", stamp(n)) for n in range(1, 6)
    )


async def test_a_firing_whose_process_died_is_seen_to_by_the_next() -> None:
    desk = Desk()
    await desk.put()
    desk.clock.jump(HOUR)
    # It dies behind the first transaction.
    died = desk.scheduler()
    died.firings = None  # type: ignore[assignment]
    with pytest.raises(AttributeError):
        await died.look()
    assert desk.jobs() == []
    assert len(desk.keys("agenda|firing|")) == 1
    # What someone changes now is not what was due then.
    await desk.put(job={"kind": "report", "parameters": {"day": 2}})

    scheduler = desk.scheduler(patience=5.0)
    await scheduler.go()
    assert desk.jobs() == []  # its process may be about to
    desk.clock.jump(6)
    await scheduler.go()
    (job,) = desk.jobs()
    assert (job.parameters, desk.keys("agenda|firing|")) == ('{"day":1}', [])
    assert [said.outcome for said in (await desk.row()).firings] == ["submitted"]


async def test_a_firing_of_a_deleted_schedule_is_seen_to_and_leaves_nothing() -> None:
    desk = Desk()
    await desk.put()
    desk.clock.jump(HOUR)
    died = desk.scheduler()
    died.firings = None  # type: ignore[assignment]
    with pytest.raises(AttributeError):
        await died.look()
    await desk.people().delete("nightly", "ada")
    await desk.scheduler().look()
    assert len(desk.jobs()) == 1
    assert desk.keys("agenda|") == desk.keys("schedule|") == []


async def test_a_schedule_that_was_deleted_and_made_again_fires_no_due_time_twice() -> None:
    desk = Desk()
    await desk.put()
    desk.clock.jump(HOUR)
    await desk.scheduler().look()
    await desk.people().delete("nightly", "ada")
    # By a publisher whose clock is behind.
    desk.clock.jump(-60)
    await desk.put(job={"kind": "report", "parameters": {"day": 2}})
    assert (await desk.row()).next_due == stamp(1)
    desk.clock.jump(61)
    await desk.scheduler().look()
    assert len(desk.jobs()) == 1
    (said,) = (await desk.row()).firings
    assert (said.outcome, "already used" in said.detail) == ("refused", True)


async def test_paused_and_ended_schedules_are_not_due() -> None:
    desk = Desk()
    await desk.put("paused")
    await desk.put("ended", end=(START + timedelta(hours=1)).isoformat())
    await desk.people().pause("paused", "ada", "month's end")
    desk.clock.jump(HOUR)
    await desk.scheduler().look()
    assert [job.actor for job in desk.jobs()] == ["schedule:ended"]
    assert (await desk.row("ended")).next_due == ""
    assert [event.action for event in await desk.trail("ended")] == ["created", "ended"]
    assert desk.keys("agenda|") == []
    # What was due while it was paused is not made up for.
    desk.clock.jump(5 * HOUR + 60)
    row = await desk.people().resume("paused", "bob")
    assert row.next_due == stamp(7)


async def test_missed_due_times_are_told_and_stand_in_the_trail() -> None:
    desk = Desk()
    await desk.put(misfire="skip")
    await desk.put("all", misfire="all", misfire_limit=2)
    desk.clock.jump(4.5 * HOUR)
    await desk.scheduler().look()
    assert sorted(desk.noted.missing) == [("all", 2), ("nightly", 4)]
    assert {job.job_id for job in desk.jobs()} == {id_of_due_time("all", stamp(n)) for n in (3, 4)}
    said = (await desk.row()).firings
    assert [(one.outcome, one.detail) for one in said] == [("missed", "4 due times were missed")]
    event = (await desk.trail())[-1]
    assert (event.action, event.actor, json.loads(event.data)) == ("missed", "scheduler", {"count": 4})
    assert [one.outcome for one in (await desk.row("all")).firings] == ["submitted", "submitted", "missed"]


async def test_a_scheduler_that_was_there_misses_nothing_however_long_it_takes() -> None:
    desk = Desk()
    for number in range(150):
        await desk.put(f"s{number:03}", misfire="skip", job={"kind": "report", "lock": f"l{number}"})
    scheduler = desk.scheduler(longest_look=0.5)
    await scheduler.look()
    desk.clock.jump(HOUR - 20)
    await scheduler.look()
    desk.clock.jump(20)
    sent = desk.table.calls.fault = Slow(desk)
    while len(desk.jobs()) < 150:
        desk.clock.jump(20)
        await scheduler.go()
    assert desk.noted.missing == []
    assert sent.seconds > 30


class Slow:
    """Lets each call of the table take a fifth of a second."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.seconds = desk, 0.0

    async def __call__(self, when: str, name: str) -> None:
        if when == "before":
            self.seconds += 0.2
            self.desk.clock.jump(0.2)


async def test_many_due_times_of_one_schedule_are_fired_in_their_order() -> None:
    desk = Desk()
    await desk.put(interval=1, misfire_after=3600)
    desk.clock.jump(2.5 * MOST_AT_ONCE)
    scheduler = desk.scheduler()
    for _ in range(3):
        await scheduler.go()
    due = sorted(json.loads(job.properties)["due_at"] for job in desk.jobs())
    assert due == [stamp(second / 3600) for second in range(1, int(2.5 * MOST_AT_ONCE) + 1)]
    orders = [job.order for job in sorted(desk.jobs(), key=lambda job: json.loads(job.properties)["due_at"])]
    assert orders == sorted(orders)


@pytest.mark.parametrize(
    ("on_conflict", "outcome"), [("reject", "refused"), ("skip", "skipped"), ("queue", "submitted")]
)
async def test_a_busy_lock_goes_by_on_conflict(on_conflict: str, outcome: str) -> None:
    desk = Desk()
    await desk.put(job={"kind": "report", "lock": "reports", "on_conflict": on_conflict})
    scheduler = desk.scheduler()
    for _ in range(2):
        desk.clock.jump(HOUR)
        await scheduler.look()
    latest, first = (await desk.row()).firings
    assert (first.outcome, latest.outcome) == ("submitted", outcome)
    assert latest.job_id == {"refused": None, "skipped": first.job_id}.get(outcome, latest.job_id)
    assert len(desk.jobs()) == (2 if outcome == "submitted" else 1)
    assert desk.keys("agenda|firing|") == []


async def test_a_job_that_was_submitted_after_another_scheduler_was_refused_is_told() -> None:
    desk = Desk()
    await desk.put(job={"kind": "report", "lock": "reports", "on_conflict": "reject"})
    other = desk.firings()
    (job_before,) = [await other.submit(FiringRow.by_hand(await desk.row(), new_id(), "bob", stamp(0), "op"))]
    desk.clock.jump(HOUR)
    scheduler = desk.scheduler()

    async def submit_late(firing: FiringRow) -> Acceptance:
        # It stands still here until the lock is free.
        await desk.scheduler().look()
        assert [one.outcome for one in (await desk.row()).firings] == ["refused"]
        found = await desk.register.find(job_before.job.job_id)
        assert found is not None
        await Canceller(JobWriter(desk.journal, desk.notifier, desk.clock)).cancel(found, "bob")
        return await other.submit(firing)

    scheduler.firings = Firings(desk.store(), submit_late)
    await scheduler.look()
    assert {job.status for job in desk.jobs()} == {"Queued", "Cancelled"}
    assert [one.outcome for one in (await desk.row()).firings] == ["submitted"]
    assert desk.keys("agenda|firing|") == []


async def test_a_kind_that_is_known_no_more_is_refused_and_the_next_due_time_stays() -> None:
    desk = Desk()
    await desk.put()
    known = desk.directory.known_kinds.pop("report")
    desk.directory.known_kinds["other"] = known.model_copy(update={"kind": "other"})
    desk.clock.jump(HOUR)
    await desk.scheduler().look()
    row = await desk.row()
    assert [(one.outcome, "no worker knows" in one.detail) for one in row.firings] == [("refused", True)]
    assert row.next_due == stamp(2)


async def test_a_storage_that_does_not_answer_is_asked_again_and_nothing_is_lost() -> None:
    desk = Desk()
    await desk.put()
    scheduler = desk.scheduler()
    await scheduler.go()
    desk.clock.jump(HOUR)

    async def lose(when: str, call: str) -> None:
        if call in {"journal.register", "journal.find"}:
            raise UnknownOutcomeError

    desk.register.calls.fault = lose
    with pytest.raises(UnknownOutcomeError):
        await scheduler.go()
    assert len(desk.keys("agenda|firing|")) == 1
    desk.register.calls.fault = None
    await scheduler.go()
    assert len(desk.jobs()) == 1
    assert desk.keys("agenda|firing|") == []


async def test_lost_answers_lose_no_due_time_and_double_none() -> None:
    lost = Counter[str]()

    async def lose_every_second_answer(when: str, call: str) -> None:
        lost[call] += when == "after"
        if when == "after" and lost[call] % 2:
            raise UnknownOutcomeError

    desk = Desk(lose_every_second_answer)
    desk.clock._jitter = lambda shortest, longest: 0.0
    await desk.put()
    scheduler = desk.scheduler()
    for _ in range(4):
        desk.clock.jump(HOUR)
        for _ in range(30):
            try:
                await scheduler.look()
            except UnknownOutcomeError:
                continue
    assert {job.job_id for job in desk.jobs()} == {id_of_due_time("nightly", stamp(n)) for n in range(1, 5)}
    assert desk.keys("agenda|firing|") == []


async def test_a_schedule_of_a_later_release_harms_no_other() -> None:
    desk = Desk()
    await desk.put("known")
    await desk.put("later")
    row = desk.table.partitions[PARTITION]["schedule|later"]
    desk.table.partitions[PARTITION]["schedule|later"] = type(row)(
        row.key, {**row.values, "text_0": '{"sometimes":true}'}, row.etag
    )
    desk.clock.jump(HOUR)
    await desk.scheduler().look()
    assert desk.noted.not_readable == ["later"]
    assert [job.actor for job in desk.jobs()] == ["schedule:known"]


@pytest.fixture
def calls() -> Counter[str]:
    return Counter()


@pytest.fixture
def desk(calls: Counter[str]) -> Desk:
    desk = Desk()

    async def count(when: str, call: str) -> None:
        calls[call] += when == "before"

    desk.table.calls.fault = count
    return desk


async def test_without_schedules_six_a_minute(desk: Desk, calls: Counter[str]) -> None:
    scheduler = desk.scheduler()
    for _ in range(30):
        await scheduler.go()
        desk.clock.jump(2)
    assert calls == {"journal.read_range": 6}


async def test_what_is_due_costs_and_not_what_there_is(desk: Desk, calls: Counter[str]) -> None:
    await desk.put("due", interval=60, job={"kind": "report", "on_conflict": "replace-waiting"})
    text = definition(cron="0 0 1 1 *").model_dump_json(exclude_defaults=True)
    for start in range(0, 10_000, 40):
        rows: list[Insert] = []
        for number in range(start, start + 40):
            name = f"many-{number:05}"
            at = stamp(8000 + number / 3600)
            values: dict[str, Value | None] = {
                "name": name,
                "text_chunks": 1,
                "text_0": text,
                "next_due": at,
            }
            rows += [Insert(f"schedule|{name}", values), Insert(f"agenda|waiting|{at}|{name}", {})]
        await desk.table.commit(PARTITION, Transaction("op", rows), 2.0)
    scheduler = desk.scheduler()
    await scheduler.go()
    desk.clock.jump(60)
    calls.clear()
    await scheduler.go()
    assert len(desk.jobs()) == 1
    assert calls == {"journal.read_range": 1, "journal.read": 1, "journal.commit": 2}


async def test_the_next_due_time_is_known_in_advance(desk: Desk, calls: Counter[str]) -> None:
    await desk.put()
    scheduler = desk.scheduler(look_seconds=7200)
    await scheduler.go()
    desk.clock.jump(HOUR)
    await scheduler.go()
    assert len(desk.jobs()) == 1
