"""Whatever is done to one event of a correct history is found, unless it changes nothing that is promised."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.verification.asking import broken
from tests.unit.verification.authored import Author
from tests.unit.verification.records import Records, told_of

from contracts.statuses import EventStatus
from coordination.journal import rows
from verification import Stored

#: What an event says of its writing, not of what happened: which request and which trace it was part of.
HARMLESS = {"op_id", "traceparent"}

WORKERS = ("w1", "w2", "w3")
ENDS = (EventStatus.COMPLETED, EventStatus.FAILED, EventStatus.TIMED_OUT)


@st.composite
def histories(draw: st.DrawFn) -> Author:
    """Return a history that the protocol might have written."""
    author = Author()
    running = ""
    for _ in range(draw(st.integers(4, 25))):
        queued = [job for job, row in author.jobs.items() if row.status == "Queued"]
        worker, starts = draw(st.sampled_from(WORKERS)), draw(st.booleans())
        if running:
            status = draw(st.sampled_from(ENDS))
            match draw(st.integers(0, 5)):
                case 0 | 1:
                    author.step(running, f"step {author.jobs[running].steps + 1}")
                case 2:
                    author.save(running)
                case 3:
                    author.interrupt(running, died=draw(st.booleans()))
                    running = ""
                case 4 if worker != author.jobs[running].worker:
                    other = draw(st.sampled_from([running, *queued]))
                    author.take_over(running, worker, start="" if other == running else other)
                    running = other
                case _:
                    chain = draw(st.sampled_from(["", *queued]))
                    author.end(running, status, chain=chain)
                    running = chain
        elif queued and starts:
            running = draw(st.sampled_from(queued))
            author.start(running, worker)
        elif queued and draw(st.integers(0, 5)) == 0:
            author.cancel(queued[0])
        else:
            author.submit()
    return author


def changed(data: st.DataObject, row: Stored) -> tuple[str, Stored]:
    """Change one value of an event, or take it away."""
    draw = data.draw
    name = draw(st.sampled_from(sorted(row.values)))
    value = row.values[name]
    other: st.SearchStrategy[Any] = st.none() | st.text(max_size=5)
    if isinstance(value, int):
        other = st.integers(-1, 30)
    elif name == "status":
        other = st.sampled_from([status.value for status in EventStatus]) | st.text(max_size=5)
    values = {**row.values, name: draw(other.filter(lambda each: each != value))}
    return name, replace(row, values={key: each for key, each in values.items() if each is not None})


@given(histories())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_nothing_is_found_in_a_correct_history(author: Author) -> None:
    assert await broken(Records(author)) == {}


@given(histories(), st.data(), st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_a_change_of_one_event_is_found_also_when_the_trail_tells_the_same(
    author: Author, data: st.DataObject, trail_follows: bool
) -> None:
    records = Records(author)
    stored = records.partitions[author.partition]
    places = [place for place, row in enumerate(stored) if row.key.startswith("event|")]
    place = data.draw(st.sampled_from(places))
    other = data.draw(st.sampled_from(places))
    match data.draw(st.sampled_from(["drop", "double", "swap", "change"])):
        case "drop":
            del stored[place]
        case "double":
            row, taken = stored[place], {each.key for each in stored}
            job = str(row.values["job_id"])
            key = rows.event_key(job, data.draw(st.integers(1, 40)))
            twin = replace(row, key=key)
            if key not in taken:
                stored.append(twin)
                stored.sort(key=lambda each: each.key)
            else:
                stored.insert(place, row)
        case "swap" if place != other:
            one, two = stored[place], stored[other]
            stored[place], stored[other] = replace(one, values=two.values), replace(two, values=one.values)
        case "change":
            name, stored[place] = changed(data, stored[place])
            if name in HARMLESS:
                return
        case _:
            return
    if trail_follows:
        # Whoever altered the journal let the trail be derived anew.
        with suppress(TypeError):
            records.told = told_of(stored)
    assert await broken(records) != {}
