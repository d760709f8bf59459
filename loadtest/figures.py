"""What a run measured."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

from loadtest import conflicts, due_times, histories
from loadtest.book import Book, quantile
from loadtest.due_times import Record
from loadtest.hand_overs import HandOvers
from loadtest.histories import History
from loadtest.limits import Limit
from loadtest.limits import figures as limit_figures
from loadtest.viewers import Watched

#: Most of the slowest submissions that are named.
_SLOWEST = 5


@dataclass(frozen=True)
class Figures:
    """The measurements; None and empty where there was nothing to measure."""

    jobs_accepted: int
    submissions_per_second: float | None
    submit_seconds: Sequence[float]
    unavailable_percent: float
    jobs_per_second: float | None
    in_line_seconds: Sequence[float]
    #: None when that is unknown, as after a worker was restarted.
    hand_overs: HandOvers | None
    take_over_seconds: Sequence[float]
    #: Storage calls of a service for each accepted job, by service.
    storage_calls_per_job: Mapping[str, float]
    #: The slowest submissions: seconds, job id, trace id.
    slowest: Sequence[tuple[float, str, str | None]] = ()
    #: How long refreshes of the dashboard's open pages took.
    refresh_seconds: Sequence[float] = ()
    #: Storage calls of the dashboard in a minute; None when its pages were not open.
    dashboard_calls_per_minute: float | None = None
    #: From due times of schedules to the submissions of their jobs, and to their starts.
    submission_late_seconds: Sequence[float] = ()
    start_late_seconds: Sequence[float] = ()
    #: What only some scenarios have, by name.
    more: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the figures as JSON takes them, distributions by their quantiles."""
        return {
            "jobs_accepted": self.jobs_accepted,
            "submissions_per_second": self.submissions_per_second,
            "jobs_per_second_through_busiest_lock": self.jobs_per_second,
            "unavailable_percent": self.unavailable_percent,
            "submit_seconds": _distribution(self.submit_seconds),
            "in_line_seconds": _distribution(self.in_line_seconds),
            "hand_over_seconds": self.hand_overs.document() if self.hand_overs is not None else None,
            "take_over_seconds": _distribution(self.take_over_seconds),
            "storage_calls_per_job": dict(self.storage_calls_per_job),
            "refresh_seconds": _distribution(self.refresh_seconds),
            "submission_late_seconds": _distribution(self.submission_late_seconds),
            "start_late_seconds": _distribution(self.start_late_seconds),
            "dashboard_calls_per_minute": self.dashboard_calls_per_minute,
            "slowest": [
                {"seconds": seconds, "job_id": job_id, "trace_id": trace_id}
                for seconds, job_id, trace_id in self.slowest
            ],
            **self.more,
        }


def measure(
    book: Book,
    ended: Iterable[History],
    *,
    submitting_seconds: float,
    killed: Mapping[str, datetime],
    storage_calls: Mapping[str, float],
    hand_overs: HandOvers | None = None,
    watched: Watched | None = None,
    minutes: float = 0.0,
    limits: Mapping[str, Sequence[Limit]] | None = None,
    schedules: Sequence[Record] = (),
) -> Figures:
    """Measure a run.

    `killed` holds when each worker was killed, `storage_calls` what each service called in these `minutes`.
    """
    by_id = {history.job_id: history for history in ended}
    by_lock = histories.runs_by_lock(by_id.values())
    by_slot = histories.runs_by_slot(by_id.values())
    promised, answers = book.promised(), book.answers()
    submitted = sum(bool(entry.answers) for entry in promised)
    submission_late, start_late = due_times.lateness(schedules, by_id)
    more: dict[str, Any] = {}
    if limits:
        more["limits"] = limit_figures(limits, by_id.values())
    if conflicts.concerns(book, by_id):
        more["conflicts"] = conflicts.figures(book, by_id)
    if schedules:
        more["schedules"] = due_times.figures(schedules)
    busiest = max(by_lock.values(), key=len, default=[])
    unavailable = sum(answer.is_unavailable for answer in answers)
    slowest = sorted(
        ((a.seconds, entry.job_id, a.trace_id) for entry in promised for a in entry.answers),
        key=lambda one: -one[0],
    )
    return Figures(
        jobs_accepted=len(promised),
        submissions_per_second=submitted / submitting_seconds if submitting_seconds > 0 else None,
        submit_seconds=[a.seconds for a in answers if a.status == HTTPStatus.ACCEPTED],
        unavailable_percent=100 * unavailable / len(answers) if answers else 0.0,
        jobs_per_second=histories.jobs_per_second(busiest),
        in_line_seconds=[
            (run.start - run.waiting_since).total_seconds() for runs in by_lock.values() for run in runs
        ],
        hand_overs=hand_overs,
        take_over_seconds=[s for runs in by_slot.values() for s in histories.take_overs(runs, killed)],
        storage_calls_per_job={
            service: calls / len(promised) for service, calls in storage_calls.items() if promised
        },
        slowest=slowest[:_SLOWEST],
        refresh_seconds=watched.refresh_seconds if watched is not None else (),
        dashboard_calls_per_minute=storage_calls["dashboard"] / minutes
        if watched is not None and minutes > 0 and "dashboard" in storage_calls
        else None,
        submission_late_seconds=submission_late,
        start_late_seconds=start_late,
        more=more,
    )


def _distribution(values: Sequence[float]) -> dict[str, float | int | None]:
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    found: dict[str, float | int | None] = {name: quantile(values, share) for name, share in shares.items()}
    return {**found, "max": max(values, default=None), "count": len(values)}
