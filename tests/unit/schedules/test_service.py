"""What people do with schedules, and what they are told when they cannot."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.schedules.desk import JOB, Desk, definition

from contracts.schedules import ScheduleDefinition, ScheduleRequest
from coordination.clients.conflicts import LockBusyError
from coordination.ports import UnknownOutcomeError
from schedules import read_schedule
from schedules.documents import event_document, schedule_details
from schedules.store import NoSuchScheduleError
from submission import InvalidSubmissionError

START = datetime(2026, 1, 1, tzinfo=UTC)


async def test_a_new_schedule_waits_for_its_first_due_time() -> None:
    desk = Desk()
    row, done = await desk.people().put("nightly", definition(), "ada", "monthly close")
    assert (done, row.next_due, row.created_by, row.changed_by) == (
        "created",
        "2026-01-01T01:00:00.000000Z",
        "ada",
        "ada",
    )
    assert await desk.row() == row
    shown = schedule_details(row, None)
    assert (shown.state, shown.words, shown.last, shown.history) == (
        "active",
        "At the start of every hour",
        None,
        [],
    )
    assert shown.next == [START + timedelta(hours=hour) for hour in range(1, 6)]
    assert shown.job == JOB
    (event,) = [event_document(event) for event in await desk.trail()]
    assert (event.action, event.actor, event.reason, event.schedule) == (
        "created",
        "ada",
        "monthly close",
        "nightly",
    )
    assert event.data["changes"]["cron"] == {"from": None, "to": "0 * * * *"}
    assert desk.is_whole("nightly", row)


async def test_the_same_again_changes_nothing() -> None:
    desk = Desk()
    first = await desk.put()
    desk.clock.jump(1800)
    # Fields with their usual values are the same as none.
    again, done = await desk.people().put("nightly", definition(zone="UTC", misfire="once"), "bob")
    assert (again, done) == (first, "unchanged")
    assert [event.action for event in await desk.trail()] == ["created"]


async def test_a_change_tells_each_field_and_leaves_the_due_time_unless_it_is_about_it() -> None:
    desk = Desk()
    await desk.put()
    changed = {**JOB, "parameters": {"day": 2}, "priority": 0}
    row, done = await desk.people().put("nightly", definition(job=changed), "bob", "day 2")
    assert (done, row.next_due, row.changed_by) == ("changed", "2026-01-01T01:00:00.000000Z", "bob")
    event = (await desk.trail())[-1]
    assert (event.actor, event.reason) == ("bob", "day 2")
    assert json.loads(event.data) == {
        "changes": {
            "job.parameters": {"from": {"day": 1}, "to": {"day": 2}},
            "job.priority": {"from": 5, "to": 0},
        }
    }
    row, _ = await desk.people().put("nightly", definition(cron="30 5 * * *", job=changed), "bob")
    assert row.next_due == "2026-01-01T05:30:00.000000Z"
    assert desk.is_whole("nightly", row)


async def test_a_lock_that_is_named_differs_from_none_also_when_it_is_the_default() -> None:
    desk = Desk()
    job = {name: value for name, value in JOB.items() if name != "lock"}
    unnamed, named = definition(job=job), definition(job={**job, "lock": "default"})
    row, _ = await desk.people().put("nightly", unnamed, "ada")
    assert "lock" not in row.asked.job.model_fields_set
    row, done = await desk.people().put("nightly", named, "bob")
    assert done == "changed"
    assert row.asked.job.model_dump(exclude_unset=True)["lock"] == "default"
    event = (await desk.trail())[-1]
    assert json.loads(event.data) == {"changes": {"job.lock": {"from": None, "to": "default"}}}
    assert (await desk.people().put("nightly", named, "bob"))[1] == "unchanged"
    body = json.dumps({"cron": "@daily", "job": job}).encode()
    assert "lock" not in read_schedule(body).definition.job.model_fields_set


async def test_an_interval_goes_on_from_its_creation_when_the_job_changes() -> None:
    desk = Desk()
    await desk.put(interval=100)
    desk.clock.jump(250)
    await desk.scheduler().look()
    row, _ = await desk.people().put("nightly", definition(interval=100, job={"kind": "report"}), "ada")
    assert row.next_due == "2026-01-01T00:05:00.000000Z"


async def test_pause_and_resume_are_harmless_when_repeated() -> None:
    desk = Desk()
    await desk.put()
    for _ in range(2):
        row = await desk.people().pause("nightly", "ada", "month's end")
        assert (row.paused_by, row.pause_reason, row.next_due) == ("ada", "month's end", "")
        assert desk.is_whole("nightly", row)
        shown = schedule_details(row, None)
        assert (shown.state, shown.next, shown.paused_at) == ("paused", [], START)
    # It stays paused when it is edited.
    row, _ = await desk.people().put("nightly", definition(cron="15 * * * *"), "bob")
    assert (row.next_due, row.paused_by) == ("", "ada")
    for _ in range(2):
        row = await desk.people().resume("nightly", "bob")
        assert (row.paused_by, row.pause_reason, row.next_due) == ("", "", "2026-01-01T00:15:00.000000Z")
        assert desk.is_whole("nightly", row)
    assert [event.action for event in await desk.trail()] == ["created", "paused", "changed", "resumed"]


async def test_the_trail_of_a_deleted_schedule_stays_and_goes_on_when_it_is_made_again() -> None:
    desk = Desk()
    await desk.put()
    await desk.people().delete("nightly", "ada", "not needed")
    assert desk.keys("schedule|") == desk.keys("agenda|") == []
    people = desk.people()
    for asked in (
        people.get("nightly"),
        *(act("nightly", "ada") for act in (people.delete, people.pause, people.run)),
    ):
        with pytest.raises(NoSuchScheduleError):
            await asked
    assert [event.reason for event in await desk.trail()] == ["", "not needed"]
    await desk.put()
    assert [event.action for event in await desk.trail()] == ["created", "deleted", "created"]
    with pytest.raises(NoSuchScheduleError):
        await desk.people().events("never", 10)


async def test_a_run_by_hand_is_the_callers_and_leaves_the_next_due_time() -> None:
    desk = Desk()
    before = await desk.put()
    await desk.people().pause("nightly", "ada")
    said = await desk.people().run("nightly", "bob", "the numbers are in")
    (job,) = desk.jobs()
    assert (said.outcome, said.trigger, said.job_id) == ("submitted", "hand", job.job_id)
    assert (job.actor, json.loads(job.properties)["schedule"]) == ("bob", "nightly")
    row = await desk.people().resume("nightly", "ada")
    assert row.next_due == before.next_due
    assert [one.job_id for one in row.firings] == [job.job_id]
    event = (await desk.trail())[2]
    assert (event.action, event.actor, event.reason) == ("run", "bob", "the numbers are in")
    assert json.loads(event.data) == {"job_id": job.job_id}
    assert desk.keys("agenda|firing|") == []


async def test_a_run_with_a_key_is_one_run_and_each_actor_has_keys_of_their_own() -> None:
    desk = Desk()
    await desk.put()
    first = await desk.people().run("nightly", "bob", key="k")
    assert await desk.people().run("nightly", "bob", key="k") == first
    assert len(desk.jobs()) == 1
    await desk.people().run("nightly", "ada", key="k")
    assert len(desk.jobs()) == 2


async def test_a_run_under_a_busy_lock_tells_why() -> None:
    desk = Desk()
    await desk.put(job={**JOB, "on_conflict": "reject"})
    await desk.people().run("nightly", "bob")
    desk.clock.jump(1)
    with pytest.raises(LockBusyError):
        await desk.people().run("nightly", "bob")
    assert [one.outcome for one in (await desk.row()).firings] == ["refused", "submitted"]
    assert desk.keys("agenda|firing|") == []


async def test_a_run_whose_submission_gets_no_answer_is_left_to_a_scheduler() -> None:
    desk = Desk()
    await desk.put()

    async def lose(when: str, call: str) -> None:
        raise UnknownOutcomeError

    desk.register.calls.fault = lose
    said = await desk.people().run("nightly", "bob")
    assert (said.outcome, desk.jobs()) == ("pending", [])
    desk.register.calls.fault = None
    await desk.scheduler().look()
    assert [job.job_id for job in desk.jobs()] == [said.job_id]


async def test_lists_go_by_name() -> None:
    desk = Desk()
    for name in ("b", "a", "c.d", "c"):
        await desk.put(name)
    assert [row.name for row in await desk.people().all(2)] == ["a", "b"]
    assert [row.name for row in await desk.people().all(9, "b")] == ["c", "c.d"]
    trail = await desk.people().events("a", 1)
    assert await desk.people().events("a", 9, trail[0].event_id) == []


async def test_history_remembers_the_latest_twenty() -> None:
    desk = Desk()
    await desk.put(job={**JOB, "lock": "l"})
    scheduler = desk.scheduler()
    for _ in range(25):
        desk.clock.jump(3600)
        await scheduler.look()
    firings = (await desk.row()).firings
    assert [one.due_at for one in firings] == [START + timedelta(hours=hour) for hour in range(25, 5, -1)]


def hours_later(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat()


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"cron": "61 * * * *"}, "cron", "bad minute; write 5 fields"),
        ({"cron": "0 0 30 2 *"}, "cron", "bad day-of-month"),
        ({"cron": "0 0 31 4,6 *"}, "cron", "bad day-of-month"),
        ({"zone": "Europe/Atlantis"}, "zone", "is not an IANA time zone such as Europe/Berlin"),
        ({"cron": None}, "cron", "is required, unless there is an interval"),
        ({"cron": "0 * * * *", "interval": 60}, "interval", "cannot be given together with cron"),
        ({"start": hours_later(5), "end": hours_later(4)}, "end", "lies before start"),
        ({"end": hours_later(-1)}, "end", "is over, so the schedule is never due; give a later end"),
        ({"end": hours_later(0.5)}, "end", "lies before the first due time; give a later end"),
        (
            {"interval": 366 * 86_400, "start": "2199-12-31T00:00:00Z", "end": "2199-12-31T00:00:00Z"},
            None,
            "",
        ),
        ({"job": {**JOB, "kind": "unknown"}}, "job.kind", "no worker knows the kind 'unknown'"),
        ({"job": {**JOB, "parameters": {"day": "x"}}}, "job.parameters.day", "is not of type"),
    ],
)
async def test_what_cannot_be_names_the_field_and_the_remedy(
    fields: dict[str, Any], field: str | None, said: str
) -> None:
    desk = Desk()
    asked = definition(
        **{name: value for name, value in fields.items() if name != "cron" or value is not None}
    )
    asked = asked.model_copy(update={name: fields[name] for name in ("cron",) if name in fields})
    if field is None:
        assert (await desk.people().put("nightly", asked, "ada"))[1] == "created"
        return
    with pytest.raises(InvalidSubmissionError) as refused:
        await desk.people().put("nightly", asked, "ada")
    (problem,) = refused.value.fields
    assert problem.field == field
    assert said in problem.message
    assert desk.table.partitions == {}


@pytest.mark.parametrize(
    "name", ["", "Nightly", "a b", "a/b", "a|b", "-a", "a-", "a" * 65, "ü", "a:b", "..", "a\n"]
)
async def test_odd_names_are_refused(name: str) -> None:
    desk = Desk()
    with pytest.raises(InvalidSubmissionError) as refused:
        await desk.people().put(name, definition(), "ada")
    assert refused.value.fields[0].field == "name"
    assert "use 1 to 64 lower-case letters" in refused.value.fields[0].message


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"interval": 0}, "interval"),
        ({"interval": -5}, "interval"),
        ({"interval": 1e12}, "interval"),
        ({"interval": "60"}, "interval"),
        ({"start": "9999-12-31T23:59:59-12:00"}, "start"),
        ({"end": "9999-12-31T23:59:59Z"}, "end"),
        ({"start": "2026-01-01T00:00:00"}, "start"),
        ({"start": 1_700_000_000}, "start"),
        ({"start": "tomorrow"}, "start"),
        ({"misfire": "never"}, "misfire"),
        ({"misfire_limit": 0}, "misfire_limit"),
        ({"misfire_limit": 101}, "misfire_limit"),
        ({"misfire_after": 5}, "misfire_after"),
        ({"crom": "* * * * *"}, "crom"),
        ({"cron": "1" * 101}, "cron"),
        ({"job": {"kind": "Not A Kind"}}, "job.kind"),
        ({"job": {"kind": "a", "on_conflict": "explode"}}, "job.on_conflict"),
        ({"job": {"kind": "a", "job_id": "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"}}, "job.job_id"),
        ({"job": {"kind": "a", "properties": {"schedule": "mine"}}}, "job.properties"),
        ({"job": {"kind": "a", "properties": {f"p{number}": "" for number in range(31)}}}, "job.properties"),
        ({"job": {"kind": "a", "lock": "\u200b"}}, "job.lock"),
        ({"reason": "x" * 501}, "reason"),
    ],
)
def test_what_cannot_be_read_names_the_field(fields: dict[str, Any], field: str) -> None:
    body = json.dumps({"cron": "0 * * * *", "job": JOB, **fields}).encode()
    with pytest.raises(InvalidSubmissionError) as refused:
        read_schedule(body)
    assert [problem.field for problem in refused.value.fields] == [field]


def test_what_is_read_is_the_definition_and_the_reason() -> None:
    asked = read_schedule(
        json.dumps(
            {"interval": 60, "job": JOB, "start": "2026-03-01T00:00:00+01:00", "reason": " why "}
        ).encode()
    )
    assert isinstance(asked, ScheduleRequest)
    assert asked.reason == "why"
    assert asked.definition == ScheduleDefinition.model_validate(
        {"interval": 60, "job": JOB, "start": datetime(2026, 2, 28, 23, tzinfo=UTC)}
    )
