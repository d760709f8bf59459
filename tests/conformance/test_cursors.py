"""What every implementation of the read models does with cursors of other lists."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.conformance.documents import NOON
from tests.conformance.stores import Models

from contracts.statuses import JobStatus
from read_models import ForeignCursorError, JobFilter
from read_models.cursors import write_cursor
from read_models.lists import EVENTS, jobs_list, lock_runs_list, locks_list

FILTERS = (
    JobFilter(),
    JobFilter(statuses={JobStatus.QUEUED}),
    JobFilter(statuses={JobStatus.QUEUED, JobStatus.RUNNING}),
    JobFilter(kinds={"ten-steps"}),
    JobFilter(lock="ledger"),
    JobFilter(lock="Ledger"),
    JobFilter(worker="ledger"),
    JobFilter(name_prefix="ledger"),
    JobFilter(name_contains="ledger"),
    JobFilter(properties={"team": "a"}),
    JobFilter(properties={"team": "b"}),
    JobFilter(taken_over=True),
)


def test_each_filter_makes_another_list_and_the_time_of_submission_does_not() -> None:
    assert len({jobs_list(wanted) for wanted in FILTERS}) == len(FILTERS)
    for wanted in FILTERS:
        later = replace(wanted, submitted_from=NOON, submitted_before=NOON + timedelta(days=1))
        assert jobs_list(later) == jobs_list(wanted)


def test_a_list_is_the_same_in_whatever_order_its_filters_are_given() -> None:
    one = JobFilter(kinds={"a", "b", "c"}, properties={"x": "1", "y": "2"})
    other = JobFilter(kinds={"c", "b", "a"}, properties={"y": "2", "x": "1"})
    assert jobs_list(one) == jobs_list(other)


async def test_a_cursor_of_another_list_or_of_other_filters_is_refused(tables: Models) -> None:
    of_jobs = [write_cursor(jobs_list(wanted), "1", "b") for wanted in FILTERS]
    of_events = write_cursor(EVENTS, "1", "b")
    of_locks = [write_cursor(locks_list(prefix), "b") for prefix in ("", "led")]
    of_runs = [write_cursor(lock_runs_list(lock), "7") for lock in ("ledger", "other")]
    models = tables.models
    for foreign in (*of_jobs[1:], of_events, *of_locks, *of_runs):
        with pytest.raises(ForeignCursorError):
            await models.jobs(FILTERS[0], 5, foreign)
    for foreign in (*of_jobs, *of_locks, *of_runs):
        with pytest.raises(ForeignCursorError):
            await models.events(5, foreign)
    for foreign in (*of_jobs, of_events, of_locks[1], *of_runs):
        with pytest.raises(ForeignCursorError):
            await models.locks(5, foreign)
    for foreign in (*of_jobs, of_events, *of_locks, of_runs[1]):
        with pytest.raises(ForeignCursorError):
            await models.lock_runs("ledger", 5, foreign)
