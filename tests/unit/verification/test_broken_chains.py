"""I1: a job's events that are not a chain, or do not add up to its row, are found."""

from dataclasses import replace

import pytest
from tests.unit.verification.asking import broken
from tests.unit.verification.authored import Author, Records, eventful
from tests.unit.verification.breaking import FIRST, THIRD, Breaks, without

from coordination import rows
from coordination.events import chain_hash
from coordination.rows import EventRow


def an_event_is_missing() -> Records:
    return without(eventful(), rows.event_key(FIRST, 5))


def the_last_event_is_missing() -> Records:
    author = Author()
    job = author.submit()
    author.start(job)
    author.step(job, "one")
    author.save(job)
    return without(author, rows.event_key(job, 5))


def an_event_is_altered_here_and_in_the_trail() -> Records:
    author = eventful()
    author.event(THIRD, 5)["message"] = "not so bad"
    return Records(author)


def a_whole_chain_is_made_anew_but_for_the_row() -> Records:
    author = eventful()
    values = author.event(FIRST, 6)
    values["message"] = "made anew"
    values["hash"] = chain_hash(EventRow.from_values(values))
    return Records(author)


def a_row_counts_one_event_more() -> Records:
    author = eventful()
    author.rows[rows.job_key(FIRST)][0]["seq"] += 1
    return Records(author)


def a_row_says_another_status() -> Records:
    author = eventful()
    author.rows[rows.job_key(THIRD)][0]["status"] = "Completed"
    return Records(author)


def a_job_has_no_row() -> Records:
    return without(eventful(), rows.job_key(FIRST))


def an_event_cannot_be_read() -> Records:
    author = eventful()
    records = Records(author)
    partition = records.partitions[author.partition]
    place = next(n for n, row in enumerate(partition) if row.key == rows.event_key(FIRST, 5))
    values = {name: value for name, value in partition[place].values.items() if name != "message"}
    author.rows[rows.event_key(FIRST, 5)] = values | {"status": "Step"}, 0.0
    partition[place] = replace(partition[place], values=values)
    records.told = [told for told in records.told if told.key != f"{FIRST}-000005"]
    return records


@pytest.mark.parametrize(
    "make",
    [
        an_event_is_missing,
        the_last_event_is_missing,
        an_event_is_altered_here_and_in_the_trail,
        a_whole_chain_is_made_anew_but_for_the_row,
        a_row_counts_one_event_more,
        a_row_says_another_status,
        a_job_has_no_row,
        an_event_cannot_be_read,
    ],
    ids=lambda make: make.__name__,
)
async def test_a_chain_that_does_not_add_up_is_found_and_nothing_else(make: Breaks) -> None:
    assert set(await broken(make())) == {"I1"}
