"""Mutants of start times."""

from tests.mutants.mutant import Change, Mutant

_STARTS = "tests/unit/coordination/test_start_times.py::test_"
_CHECKED = "tests/unit/verification/test_start_times.py::test_"
_OVER_HTTP = "tests/unit/publisher/test_start_times.py::test_"
_START_TIMES = "coordination.maintenance.start_times"
_SWEEPER = "coordination.maintenance.sweeper"

MUTANTS = [
    Mutant(
        "put-in-line-early",
        "a job comes into the line when its start time has come, and not before",
        (
            Change(
                _START_TIMES,
                "tickets = [row for row in found if rows.start_of(row) <= at]\n",
                "tickets = found if at else []\n",
            ),
        ),
        f"{_STARTS}it_is_put_into_the_line_when_its_time_comes_and_not_before",
    ),
    Mutant(
        "start-time-forgotten-in-line",
        "a worker whose clock is behind does not start a job before its start time",
        (
            Change(
                _START_TIMES,
                "in_line = replace(waits, holds_place=True)\n",
                'in_line = replace(waits, due_at="")\n',
            ),
        ),
        f"{_STARTS}a_worker_whose_clock_is_behind_does_not_start_it_early",
    ),
    Mutant(
        "put-in-line-though-cancelled",
        "a job is put into the line only at the version that was read, so not when it was cancelled",
        (Change(_START_TIMES, "            Delete(ticket.key, ticket.etag),\n", ""),),
        f"{_STARTS}in_every_order_a_job_is_either_put_into_line_or_cancelled_before",
    ),
    Mutant(
        "place-of-the-submission",
        "a job with a start time passes nobody who came before that time",
        (
            Change(
                "coordination.clients.submission",
                "order=new.order if start is None else order_from(start, new.order),\n",
                "order=new.order,\n",
            ),
        ),
        f"{_STARTS}it_passes_nobody_who_came_before_its_time_and_none_who_comes_later_passes_it",
    ),
    Mutant(
        "expiry-from-the-submission",
        "the time in line of a job counts from its start time",
        (
            Change(
                "coordination.clients.submission",
                "return (self.starts_from(submitted_at) or submitted_at) + timedelta",
                "return submitted_at + timedelta",
            ),
        ),
        f"{_STARTS}its_time_in_line_counts_from_its_start_time",
    ),
    Mutant(
        "settled-before-it-is-there",
        "a job whose submission arrives after its start time is put into the line all the same",
        (
            Change(
                _START_TIMES,
                "if job.job_id not in put and (row is None or row.is_delayed):\n",
                "if job.job_id not in put and row is not None and row.is_delayed:\n",
            ),
        ),
        f"{_STARTS}a_submission_that_arrives_after_its_start_time_is_put_into_line",
    ),
    Mutant(
        "delayed-in-each-sweep",
        "jobs that wait for their start times cost no sweep anything",
        (
            Change(
                "coordination.maintenance.comparison",
                "        elif job.is_delayed and not active.is_postponed and self._is_far(job):\n",
                "        elif job.is_delayed and active.is_postponed and self._is_far(job):\n",
            ),
        ),
        f"{_STARTS}jobs_that_wait_for_their_start_times_cost_no_sweep_anything",
    ),
    Mutant(
        "postponed-before-it-is-projected",
        "what the read models lack of a delayed job is announced again before no sweep looks at it",
        (Change(_SWEEPER, "compare_some([*waited, *delayed])\n", "compare_some(waited)\n"),),
        f"{_STARTS}what_the_read_models_lack_of_it_is_announced_before_it_is_postponed",
    ),
    Mutant(
        "put-in-line-only-while-the-broker-is-there",
        "a job is put into the line at its start time though RabbitMQ is away",
        (
            Change(
                _SWEEPER,
                "        started = await self._starts.put_in_line(timed, is_heard=self.is_heard())\n",
                "        started = await self._starts.put_in_line(timed if self.is_heard() else [])\n",
            ),
        ),
        f"{_STARTS}a_broker_that_is_away_delays_no_job",
    ),
    Mutant(
        "soon-left-to-the-scheduler",
        "a job that starts within seconds is started at its time though no scheduler knows of it",
        (Change("coordination.clients.submission", "SOON = timedelta(seconds=5)\n", "SOON = timedelta()\n"),),
        f"{_STARTS}a_worker_starts_a_job_at_its_time_that_no_scheduler_knows_of",
    ),
    Mutant(
        "cancelled-and-postponed",
        "the end of a job that is cancelled before its start time is found without a message",
        (
            Change(
                "coordination.clients.cancellation",
                "            await self.activate(registration)\n",
                "            pass\n",
            ),
        ),
        f"{_OVER_HTTP}a_delayed_job_is_cancelled_at_once_and_its_end_is_found_without_a_message",
    ),
    Mutant(
        "start-time-with-a-conflict",
        "a start time goes with no other policy for conflicts than to queue",
        (
            Change(
                "submission.service",
                '        if on_conflict != "queue":\n',
                '        if on_conflict == "":\n',
            ),
        ),
        f"{_OVER_HTTP}only_a_job_that_queues_may_have_a_start_time",
    ),
    Mutant(
        "early-start-not-found",
        "the checker finds a job that started before its start time",
        (
            Change(
                "verification.attempts",
                '            self._due_at = str(data_of(event.data).get("start_at", ""))\n',
                "            pass\n",
            ),
        ),
        f"{_CHECKED}a_job_that_starts_before_its_start_time_is_found",
    ),
]
