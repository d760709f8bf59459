"""Timelines of jobs that are looked at again and again: nothing is read or drawn twice."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.dashboard.journaled_job import JournaledJob

from contracts.jobs import Event
from coordination.outcomes import Completed
from dashboard.folding import folded
from dashboard.reading.job import JobView
from dashboard.timelines import Timelines
from dashboard.waterfall import Reading, waterfall

STEPS = 30


@pytest.fixture
async def view() -> JobView:
    """Return a job with an interruption and many steps, all of them projected."""
    world = JournaledJob()
    await world.submit_it(name="Close of May")
    await world.take_over("worker-1")
    await world.step(f"{0}")
    await world.take_over("worker-2")
    for number in range(1, STEPS):
        await world.step(f"{number}")
    await world.end(Completed("null"))
    await world.project()
    await world.clock.advance(2)
    return await world.reader.view(world.job_id)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the numbers of the events that are read from now on."""
    seen: list[int] = []
    reads = Reading.read

    def note(self: Reading, event: Event) -> None:
        seen.append(event.seq)
        reads(self, event)

    monkeypatch.setattr(Reading, "read", note)
    return seen


def begun(view: JobView, events: int, projected: int | None = None) -> JobView:
    """Return a job as it was after so many events, of which so many were projected."""
    job = replace(view.job, status="Running", seq=events)
    return replace(view, job=job, entries=view.entries[:events], projected=projected or events)


def test_each_event_of_the_trail_is_read_once(view: JobView, read: list[int]) -> None:
    timelines, total = Timelines(), len(view.entries)
    for events in range(3, total + 1):
        now = view.entries[events - 1].event.timestamp_utc
        timelines.of(begun(view, events), now, "", 30)
    assert read == list(range(1, total + 1))


def test_it_is_the_timeline_of_all_events_wherever_it_was_continued(view: JobView) -> None:
    timelines = Timelines()
    for events in range(3, len(view.entries) + 1):
        for projected in (max(1, events - 2), events):
            now = view.entries[events - 1].event.timestamp_utc + timedelta(minutes=5)
            part = begun(view, events, projected)
            seen = [entry.event for entry in part.entries]
            expected = folded(waterfall(seen, now, step="book", lease_seconds=30))
            assert timelines.of(part, now, "book", 30) == expected


def test_what_looks_the_same_is_not_made_again(view: JobView) -> None:
    timelines, part = Timelines(), begun(view, 20)
    start, last = (part.entries[place].event.timestamp_utc for place in (0, -1))
    now = last + timedelta(hours=1)
    first = timelines.of(part, now, "book", 30)
    pixel = (now - start) / 400
    assert timelines.of(part, now + pixel, "book", 30) is first
    assert timelines.of(part, now + 2 * pixel, "book", 30) is not first
    assert timelines.of(part, now + 2 * pixel, "check", 30).rows[-1].label == "check"
    assert timelines.of(begun(view, 21), now + 2 * pixel, "check", 30) != first


def test_a_job_that_is_over_is_drawn_once(view: JobView, read: list[int]) -> None:
    timelines, now = Timelines(), view.entries[-1].event.timestamp_utc
    first = timelines.of(view, now, "", 30)
    assert timelines.of(view, now + timedelta(days=3), "", 30) is first
    assert len(read) == len(view.entries)


def test_another_lease_or_another_history_begins_again(view: JobView, read: list[int]) -> None:
    timelines, now = Timelines(), view.entries[-1].event.timestamp_utc
    part = begun(view, 8)
    timelines.of(part, now, "", 30)
    timelines.of(part, now, "", 60)
    other = replace(part, entries=part.entries[1:], projected=7)
    timelines.of(other, now, "", 60)
    assert read == [*range(1, 9), *range(1, 9), *range(2, 9)]
