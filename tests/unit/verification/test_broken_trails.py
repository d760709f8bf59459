"""I7: an audit trail that does not say the same as the journal is found."""

from dataclasses import replace

import pytest
from tests.unit.verification.asking import broken
from tests.unit.verification.authored import eventful
from tests.unit.verification.breaking import FIRST, Breaks
from tests.unit.verification.records import Records, told_of


def the_trail_lacks_the_end() -> Records:
    records = Records(eventful())
    records.told = [told for told in records.told if told.key != f"{FIRST}-000006"]
    return records


def the_trail_lacks_a_job() -> Records:
    records = Records(eventful())
    records.told = [told for told in records.told if told.partition != FIRST]
    return records


def the_trail_skips_an_event() -> Records:
    records = Records(eventful())
    records.told = [told for told in records.told if told.key != f"{FIRST}-000003"]
    return records


def the_trail_tells_otherwise() -> Records:
    records = Records(eventful())
    told = records.told[3]
    records.told[3] = replace(told, event=replace(told.event, worker="w9"))
    return records


def the_trail_names_another_trace() -> Records:
    records = Records(eventful())
    records.told[3] = replace(records.told[3], trace_id="0" * 32)
    return records


def the_trail_tells_of_an_unknown_job() -> Records:
    records = Records(eventful())
    records.told += told_of(eventful("other", first_number=50).stored())[:3]
    return records


def the_trail_has_an_event_too_many() -> Records:
    records = Records(eventful())
    last = next(told for told in records.told if told.key == f"{FIRST}-000006")
    more = replace(last, key=f"{FIRST}-000007", event=replace(last.event, seq=7))
    records.told.insert(records.told.index(last) + 1, more)
    return records


def the_trail_has_an_event_twice() -> Records:
    """The second row has a key of another width, and sorts before the right one."""
    records = Records(eventful())
    place = next(n for n, told in enumerate(records.told) if told.key == f"{FIRST}-000003")
    records.told.insert(place, replace(records.told[place], key=f"{FIRST}-0000003"))
    return records


@pytest.mark.parametrize(
    "make",
    [
        the_trail_lacks_the_end,
        the_trail_lacks_a_job,
        the_trail_skips_an_event,
        the_trail_tells_otherwise,
        the_trail_names_another_trace,
        the_trail_tells_of_an_unknown_job,
        the_trail_has_an_event_too_many,
        the_trail_has_an_event_twice,
    ],
    ids=lambda make: make.__name__,
)
async def test_a_trail_that_says_otherwise_is_found_and_nothing_else(make: Breaks) -> None:
    assert set(await broken(make())) == {"I7"}
