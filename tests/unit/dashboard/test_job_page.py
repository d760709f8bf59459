"""The parts of a job's page, from what was read of it."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.dashboard.journaled_job import JournaledJob
from tests.unit.dashboard.shown import attribute, find, joined, links, text, walk

from contracts.jobs import HeldLease, Worker
from coordination.journal.rows import LockRow
from coordination.outcomes import Cancelled, Completed, Failed, Interrupted, TimedOut
from dashboard.job_page.events import chain_chip, events_card
from dashboard.job_page.facts import facts, progress_bar
from dashboard.job_page.rules import expiry, rules_card
from dashboard.job_page.sentence import sentence
from dashboard.job_page.texts import large_texts, pretty, size, texts_cards
from dashboard.job_page.why_it_waits import why_it_waits_card
from dashboard.reading.job import JobView
from dashboard.waiting import line_of

HOSTILE = "<script>window.hacked=1</script> [x](javascript:alert(1)) :red[y] ![i](http://evil.example/i)"


@pytest.fixture
async def world() -> JournaledJob:
    made = JournaledJob()
    await made.submit_it(
        name="Close of May", parameters='{"month": "2026-05"}', properties='{"team": "finance"}'
    )
    return made


async def view_of(world: JournaledJob) -> JobView:
    await world.project()
    await world.clock.advance(2)
    return await world.reader.view(world.job_id)


async def said(world: JournaledJob, **more: Any) -> str:
    view = await view_of(world)
    return joined(sentence(replace(view, job=replace(view.job, **more)), None, world.clock.now()))


# --- the sentence ------------------------------------------------------------------


async def test_a_waiting_job_says_its_position_and_behind_whom(world: JournaledJob) -> None:
    view = await view_of(world)
    other = replace(view.job, job_id="other", name="Reconcile")
    line = line_of(view.job.job_id, "L", LockRow("L", job_id="other", worker="w"), [other, view.job])
    assert joined(sentence(view, line, world.clock.now())) == "Position 2 in the line for  behind Reconcile."
    free = line_of(view.job.job_id, "L", None, [view.job])
    assert joined(sentence(view, free, world.clock.now())).endswith("; no job runs under this lock.")
    assert joined(sentence(view, None, world.clock.now())) == "Waits in the line for ."


@pytest.mark.parametrize(
    ("holds_place", "others"),
    [(True, "it holds its place in line."), (False, "others pass it until then.")],
)
async def test_a_job_that_waits_for_its_next_attempt_says_why_and_until_when(
    world: JournaledJob,
    holds_place: bool,
    others: str,
) -> None:
    told = await said(
        world,
        attempt=2,
        due_at="2026-01-01T00:00:30.000000Z",
        failure_type="OSError",
        failure_message="no route",
        holds_place=holds_place,
    )
    assert told == f"Attempt 2 failed: OSError no route. The next one is due at ; {others}"
    assert (await said(world, due_at="")).startswith("Waits in the line for ")


async def test_a_running_job_says_where_and_which_step(world: JournaledJob) -> None:
    await world.take_over("worker-3")
    assert await said(world, step="book") == "On worker-3 for , attempt 1, step book."


async def test_a_pace_is_told_after_a_minute(world: JournaledJob) -> None:
    await world.take_over("worker-3")
    view = await view_of(world)
    began = view.entries[-1].event.timestamp_utc
    job = replace(view.job, progress_value=25.0, progress_limit=100.0)
    told = joined(sentence(replace(view, job=job), None, began + timedelta(seconds=100)))
    assert told.endswith("At this pace it is done in about 5 min 00 s.")


async def test_a_job_that_is_being_cancelled_says_who_asked_and_why(world: JournaledJob) -> None:
    await world.take_over("worker-3")
    told = await said(world, cancel_requested=True, cancel_actor="maria.k", cancel_reason="wrong month.")
    assert told.endswith("maria.k asked to cancel it: wrong month.")


@pytest.mark.parametrize(
    ("outcome", "begins"),
    [
        (Completed(), "Completed after 1.0 s on w1, first attempt."),
        (Failed("ValueError", "no month"), "Failed after 1.0 s: ValueError no month"),
        (TimedOut("it ran too long"), "Timed out after 1.0 s: TimedOut it ran too long"),
    ],
)
async def test_an_ended_job_says_how_it_ended(world: JournaledJob, outcome: Any, begins: str) -> None:
    await world.take_over()
    await world.end(outcome)
    assert await said(world) == begins


async def test_a_cancelled_job_says_who_did_it_and_why(world: JournaledJob) -> None:
    await world.take_over()
    await world.end(Cancelled())
    told = await said(world, cancel_actor="maria.k", cancel_reason="wrong month")
    assert told == "Cancelled by maria.k: wrong month."


# --- progress and facts --------------------------------------------------------------


async def test_progress_is_shown_only_while_it_runs_and_never_beyond_its_end(world: JournaledJob) -> None:
    await world.take_over()
    job = (await view_of(world)).job
    assert progress_bar(job) is None
    bar = progress_bar(replace(job, progress_value=27_412.0, progress_limit=40_600.0))
    assert joined(bar) == "27,412 of 40,600"
    assert attribute(find(bar, "span")[1], "w") == pytest.approx(67.517, 0.001)
    over = progress_bar(replace(job, progress_value=7.0, progress_limit=5.0))
    assert attribute(find(over, "span")[1], "w") == 100
    assert joined(progress_bar(replace(job, progress_value=7.5))) == "7.5 done"
    assert progress_bar(replace(job, progress_value=1.0, status="Completed")) is None


async def test_facts_have_a_lease_ring_only_where_the_lease_is_known(world: JournaledJob) -> None:
    await world.take_over("worker-3")
    view = await view_of(world)
    now = world.clock.now()
    lease = HeldLease(lock="L", fence=1, renewed_at=now, seconds=30)
    worker = Worker(worker="worker-3", seen_at=now, leases=[lease])
    assert find(facts(view, worker), "span.ring")
    bare = facts(view, Worker(worker="worker-3", seen_at=now))
    assert not find(bare, "span.ring")
    assert "heard " in joined(bare)
    assert "held by this job" in joined(facts(view, None))


async def test_links_to_trace_and_logs_are_there_only_when_configured(world: JournaledJob) -> None:
    view = await view_of(world)
    traced = replace(view, job=replace(view.job, traceparent=f"00-{'4b' * 16}-{'1' * 16}-01"))
    assert not find(facts(traced, None), "a")[1:], "the lock alone is a link"
    shown = facts(traced, None, trace_url="http://j/trace/{trace_id}", logs_url="http://g/{job_id}")
    outward = [attribute(one, "out") for one in find(shown, "a") if attribute(one, "out")]
    assert outward == [f"http://j/trace/{'4b' * 16}", f"http://g/{world.job_id}"]


# --- events ------------------------------------------------------------------------


async def test_events_stand_newest_first_with_distances_and_hashes(world: JournaledJob) -> None:
    await world.take_over()
    await world.step("collect")
    await world.save('{"cursor": 12345}')
    card = events_card(await view_of(world), world.clock.now())
    rows = [[joined(cell) for cell in row[2:]] for row in find(card, "tr")[1:]]
    assert [row[0] for row in rows] == ["5", "4", "3", "2", "1"]
    assert [row[1] for row in rows] == ["+ 1.0 s", "+ 1.0 s", "same write", "+ 1.0 s", "the first"]
    assert rows[0][3] == "state saved · 17 charactersby w1 · attempt 1"
    assert rows[1][3] == "collect · 123 msby w1 · attempt 1"
    assert "5 of 5 events, chain intact" in joined(card)


async def test_of_many_events_the_newest_are_shown_until_more_are_wanted(world: JournaledJob) -> None:
    await world.take_over()
    for number in range(250):
        await world.step(f"step {number}")
    view = await view_of(world)
    card = events_card(view, world.clock.now())
    assert len(find(card, "tr")) == 31
    assert "The newest 30 of 253 events. Show 30 more" in joined(card)
    assert "Show 13 more" in joined(events_card(view, world.clock.now(), 240))
    whole = events_card(view, world.clock.now(), 300)
    assert len(find(whole, "tr")) == 254
    assert not find(whole, "button.action")


async def test_the_chain_says_where_it_is_broken_or_how_far_the_trail_is_behind(world: JournaledJob) -> None:
    view = await view_of(world)
    now = view.entries[0].event.timestamp_utc + timedelta(seconds=7)
    assert (
        joined(chain_chip(replace(view, projected=0), now)) == "hourglass_emptythe audit trail is 7 s behind"
    )
    broken = replace(view, chain=replace(view.chain, broken_at=1))
    assert joined(chain_chip(broken, now)) == "link_offchain broken at 1"


# --- texts -------------------------------------------------------------------------


async def test_only_texts_that_there_are_have_a_card(world: JournaledJob) -> None:
    await world.take_over()
    await world.step("collect")
    await world.end(Failed("ValueError", "no month", "Traceback …"))
    titles = [joined(find(card, "h2")[0]) for card in texts_cards(await view_of(world)) if card]
    assert titles == ["Error", "Parameters", "Properties", "Steps recorded"]


async def test_of_a_large_text_the_beginning_is_shown_and_the_whole_can_be_had(world: JournaledJob) -> None:
    await world.take_over()
    await world.end(Completed(json.dumps({"report": "ü" * 100_000}, ensure_ascii=False)))
    view = await view_of(world)
    card = next(one for one in texts_cards(view) if one and joined(find(one, "h2")[0]) == "Result")
    assert len(joined(find(card, "pre")[0]).encode()) <= 16 * 1024
    assert "Only the first 16 KiB of 195 KiB are shown." in joined(card)
    assert list(large_texts(view)) == ["Result"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [('{"a":[1]}', '{\n  "a": [\n    1\n  ]\n}'), ("no json", "no json"), ("[" * 9999, "[" * 9999)],
)
def test_json_is_spread_over_lines_and_anything_else_stays(text: str, shown: str) -> None:
    assert pretty(text) == shown


@pytest.mark.parametrize(
    ("length", "shown"), [(1, "1 byte"), (1023, "1,023 bytes"), (1024, "1.0 KiB"), (262_144, "256 KiB")]
)
def test_sizes_are_told_in_plain_units(length: int, shown: str) -> None:
    assert size("x" * length) == shown


async def test_text_of_a_job_is_text_everywhere() -> None:
    world = JournaledJob()
    await world.submit_it(
        name=HOSTILE, kind=HOSTILE, actor=HOSTILE, description=HOSTILE,
        parameters=json.dumps({HOSTILE: HOSTILE}), properties=json.dumps({HOSTILE: HOSTILE}),
    )  # fmt: skip
    await world.take_over(HOSTILE)
    await world.step(HOSTILE)
    await world.end(Interrupted(HOSTILE))
    await world.take_over(HOSTILE)
    await world.end(Failed(HOSTILE, HOSTILE, HOSTILE))
    view = await view_of(world)
    parts = [facts(view, None), sentence(view, None, world.clock.now()), events_card(view, world.clock.now())]
    for tree in [*parts, *texts_cards(view)]:
        for element in walk(tree):
            assert "<" not in str(element[0])
            assert attribute(element, "out") is None


# --- why it waits ------------------------------------------------------------------


async def test_why_it_waits_names_everybody_ahead_and_the_job_itself(world: JournaledJob) -> None:
    view = await view_of(world)
    now = world.clock.now()
    ahead = [replace(view.job, job_id=f"a-{n}", name=f"Ahead {n}", priority=3) for n in range(12)]
    row = LockRow("L", job_id="runs", worker="worker-3", started_at=view.job.submitted_at)
    line = line_of(world.job_id, "L", row, [*ahead, view.job])
    card = why_it_waits_card(line, [], {}, now)
    text = joined(card)
    for part in (
        "position 13 of 13",
        "Ahead 0",
        "priority 3, more urgent",
        "5 more jobs",
        "Ahead 11",
        "(this job)",
    ):
        assert part in text
    assert "Ahead 7" not in text
    links = [attribute(one, "q") for one in find(card, "a") if attribute(one, "go") == "job"]
    assert links[0] == {"id": "runs"}
    assert {"id": world.job_id} not in links


# --- rules and where it came from ---------------------------------------------------


async def test_a_job_without_rules_of_its_own_has_no_card_of_them(world: JournaledJob) -> None:
    assert rules_card(await view_of(world)) is None


async def test_rules_say_until_when_it_may_wait_and_how_long_it_may_take(world: JournaledJob) -> None:
    view = await view_of(world)
    at = "2026-01-01T05:00:00.000000Z"
    job = replace(view.job, expires_at=at, timeout=90.0, cancel_grace=5.0)
    waits = replace(view, job=job)
    told = text(rules_card(waits) or "")
    assert told == (
        "Rules of this job Expires in [left] , at [clock] , unless it has started "
        "Timeout 1 min 30 s for an attempt Cancel grace 5.0 s"
    )
    assert joined(sentence(waits, None, world.clock.now())).endswith(" It expires in  unless it has started.")
    started = replace(view, job=replace(job, started_at=at))
    assert "it had to start by" in text(rules_card(started) or "")
    assert expiry(started.job) is None


async def test_what_was_to_happen_under_a_busy_lock_is_told_from_its_first_event(world: JournaledJob) -> None:
    view = await view_of(world)
    first = view.entries[0]
    data = {**first.event.data, "on_conflict": "skip"}
    entry = replace(first, event=first.event.model_copy(update={"data": data}))
    told = text(rules_card(replace(view, entries=(entry, *view.entries[1:]))) or "")
    assert told.endswith("When busy take the job that is there")


SCHEDULED = '{"schedule": "nightly", "due_at": "2026-01-01T02:30:00.000000Z"}'


@pytest.mark.parametrize(
    ("properties", "actor", "led"),
    [
        (SCHEDULED, "schedule:nightly", [("schedule", {"name": "nightly"})]),
        (SCHEDULED, "bob", [("schedule", {"name": "nightly"})]),
        ('{"schedule": "nightly"}', "bob", []),
        ('{"schedule": "<b>", "due_at": "x"}', "schedule:<b>", []),
        ("{}", "schedule:", []),
    ],
)
async def test_a_job_leads_to_the_schedule_that_it_came_from(
    world: JournaledJob, properties: str, actor: str, led: list[tuple[str, dict[str, str]]]
) -> None:
    view = await view_of(world)
    view = replace(view, job=replace(view.job, properties=properties, actor=actor))
    shown = facts(view, None)
    assert [each for each in links(shown) if each[0] == "schedule"] == led
    assert ("by hand with" in text(shown)) == (actor == "bob" and bool(led))
    card = rules_card(view)
    assert ([] if card is None else links(card)) == led


async def test_a_replaced_job_leads_to_the_one_that_replaced_it(world: JournaledJob) -> None:
    view = await view_of(world)
    first = view.entries[0]
    data = {"replaced_by": "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"}
    entry = replace(first, event=first.event.model_copy(update={"data": data}))
    card = events_card(replace(view, entries=(entry,)), world.clock.now())
    assert links(card) == [("job", {"id": data["replaced_by"]})]


async def test_a_run_in_another_slot_says_so(world: JournaledJob) -> None:
    await world.take_over("worker-3")
    view = await view_of(world)
    shown = replace(view, job=replace(view.job, slot=2))
    assert "slot 2, of its only run" in text(facts(shown, None))
    assert "slot" not in text(facts(view, None))
    started = view.entries[-1]
    data = {**started.event.data, "slot": 2}
    entry = replace(started, event=started.event.model_copy(update={"data": data}))
    card = events_card(replace(view, entries=(*view.entries[:-1], entry)), world.clock.now())
    assert "slot 2" in text(card)
