"""I1: a job's events that are not a chain, or do not add up to its row, are found."""

from dataclasses import replace

import pytest
from tests.unit.verification.asking import broken
from tests.unit.verification.authored import Author, eventful
from tests.unit.verification.breaking import FIRST, SECOND, THIRD, Breaks, without
from tests.unit.verification.records import Records

from coordination.journal import rows
from coordination.journal.events import chain_hash
from coordination.journal.rows import EventRow


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


def a_time_is_altered_into_one_behind_all_times() -> Records:
    author = eventful()
    author.event(THIRD, 1)["timestamp"] = "~"
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


def a_step_is_of_another_attempt_than_its_run() -> Records:
    author = Author()
    job = author.submit()
    author.start(job)
    author.jobs[job] = replace(author.jobs[job], attempt=2)
    author.step(job, "one")
    author.jobs[job] = replace(author.jobs[job], attempt=1)
    author.end(job)
    return Records(author)


def an_attempt_is_skipped() -> Records:
    author = Author()
    job = author.submit()
    author.jobs[job] = replace(author.jobs[job], attempt=1)
    author.start(job)
    author.end(job)
    return Records(author)


def a_row_lost_a_request_to_cancel() -> Records:
    author = Author()
    job = author.submit()
    author.start(job)
    author.ask_to_cancel(job)
    author.rows[rows.job_key(job)][0]["cancel_requested"] = False
    return Records(author)


def a_row_lost_the_death_of_a_runner() -> Records:
    author = eventful()
    author.rows[rows.job_key(SECOND)][0]["deaths"] = 0
    return Records(author)


def a_row_names_another_worker() -> Records:
    author = eventful()
    author.rows[rows.job_key(SECOND)][0]["worker"] = "w9"
    return Records(author)


def a_row_is_of_another_job() -> Records:
    author = eventful()
    author.rows[rows.job_key(SECOND)][0]["job_id"] = FIRST
    return Records(author)


def a_ticket_is_for_another_kind_of_job() -> Records:
    author = Author()
    job = author.submit()
    author.rows[author.jobs[job].ticket_key][0]["kind"] = "send-effects"
    return Records(author)


def a_row_has_another_priority_than_was_asked_for() -> Records:
    author = eventful()
    author.rows[rows.job_key(SECOND)][0]["priority"] = 1
    return Records(author)


def a_ticket_is_older_than_its_job() -> Records:
    author = Author()
    job = author.submit()
    before = author.rows[author.jobs[job].ticket_key]
    author.start(job)
    author.interrupt(job)
    author.rows[author.jobs[job].ticket_key] = before
    return Records(author)


def a_job_has_two_places_in_line() -> Records:
    author = Author()
    job = author.submit()
    second = replace(author.jobs[job], order="000000007")
    author.rows[second.ticket_key] = second.values(), 0.0
    return Records(author)


def a_ticket_stands_where_its_job_does_not_look() -> Records:
    author = Author()
    job = author.submit()
    other = replace(author.jobs[job], priority=9)
    author.rows[other.ticket_key] = author.rows.pop(author.jobs[job].ticket_key)
    return Records(author)


@pytest.mark.parametrize(
    "make",
    [
        an_event_is_missing,
        the_last_event_is_missing,
        an_event_is_altered_here_and_in_the_trail,
        a_time_is_altered_into_one_behind_all_times,
        a_whole_chain_is_made_anew_but_for_the_row,
        a_row_counts_one_event_more,
        a_row_says_another_status,
        a_job_has_no_row,
        an_event_cannot_be_read,
        a_step_is_of_another_attempt_than_its_run,
        an_attempt_is_skipped,
        a_row_lost_a_request_to_cancel,
        a_row_lost_the_death_of_a_runner,
        a_row_names_another_worker,
        a_row_is_of_another_job,
        a_ticket_is_for_another_kind_of_job,
        a_row_has_another_priority_than_was_asked_for,
        a_ticket_is_older_than_its_job,
        a_job_has_two_places_in_line,
        a_ticket_stands_where_its_job_does_not_look,
    ],
    ids=lambda make: make.__name__,
)
async def test_a_chain_that_does_not_add_up_is_found_and_nothing_else(make: Breaks) -> None:
    assert set(await broken(make())) == {"I1"}


@pytest.mark.parametrize("data", ["[" * 100_000, '{"number": 1e999}', '{"number": "x"}', "[]"])
async def test_a_step_whose_data_is_nonsense_stops_nobody_from_verifying(data: str) -> None:
    author = eventful()
    author.event(FIRST, 4)["data"] = data
    assert set(await broken(Records(author))) == {"I1"}
