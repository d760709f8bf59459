"""Right now: which worker holds which lock, what waits, and whether a person has to act."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from deploy.dashboards import thresholds
from deploy.dashboards.foreign import ALERTS
from deploy.dashboards.frame import OWN_DASHBOARD, frame
from deploy.dashboards.panels import (
    PER_SECOND,
    SECONDS,
    Panel,
    Query,
    graph,
    stat_panel,
)
from deploy.dashboards.queries import highest, label, quantile, rate, series, shown, total
from deploy.dashboards.tables import Column, table_panel

UID = "right-now"

_FIRING = series(ALERTS, where={"alertstate": "firing"})

#: A lock's page in Turnstile's dashboard.
_ITS_PAGE = ("Show the lock", f"{OWN_DASHBOARD}/lock?lock=${{__value.text:percentencode}}")

#: Only the scheduler on duty counts.
_NOBODY = "no scheduler on duty"


def build() -> Dashboard:
    """Make the dashboard."""
    return frame(
        UID,
        "Right now",
        "Who holds which lock, who waits, and what is wrong.",
        [
            ("", _numbers()),
            ("Locks", [_holders(), _lines()]),
            ("Alerts", [_alerts()]),
            ("The last minutes", [_jobs(), _line_ages(), _hand_overs(), _hand_over_times()]),
        ],
        shows="now-15m",
        refresh="5s",
    )


def _numbers() -> list[Panel]:
    running, queued = (
        highest(series(metrics.JOBS, where={at.JOB_STATUS: status})) for status in ("running", "queued")
    )
    alive = highest(series(metrics.WORKERS, where={at.WORKER_STATE: "alive"}))
    busy = total(series(metrics.RUNNERS, where={at.RUNNER_STATE: "busy"}))
    held = total(series(metrics.LOCKS_HELD))
    return [
        stat_panel("Running", "Jobs that run.", [Query(running)], empty=_NOBODY, dashboard_uid="jobs"),
        stat_panel(
            "In line", "Jobs that wait for their lock.", [Query(queued)], empty=_NOBODY, dashboard_uid="jobs"
        ),
        stat_panel("Locks held", "Locks that some worker holds.", [Query(held)]),
        stat_panel(
            "Workers",
            "Workers with a fresh heartbeat.",
            [Query(alive)],
            good_from=1,
            empty=_NOBODY,
            dashboard_uid="plumbing",
        ),
        stat_panel(
            "Busy runners", "Runner processes that run a job.", [Query(busy)], dashboard_uid="plumbing"
        ),
        stat_panel(
            "Alerts",
            "Alerts that fire; each has a runbook in the documentation.",
            [Query(f"count({_FIRING}) or vector(0)")],
            bad_from=1,
        ),
    ]


def _holders() -> Panel:
    lock, worker, kind = label(at.LOCK_NAME), label(at.WORKER_NAME), label(at.JOB_KIND)
    return table_panel(
        "Who holds what",
        "The runs in progress, the longest first: under which lock, where, and since when.",
        [Query(f"sort_desc({highest(series(metrics.LOCK_RUN_AGE), lock, worker, kind)})")],
        [
            Column(lock, "Lock", link=_ITS_PAGE),
            Column(worker, "Worker"),
            Column(kind, "Kind"),
            Column("Value #A", "Runs for", SECONDS),
        ],
        empty="no job runs",
    )


def _lines() -> Panel:
    lock = label(at.LOCK_NAME)
    return table_panel(
        "Lines",
        "The longest and oldest lines: how many jobs wait, and since when the first of them.",
        [
            Query(highest(series(metrics.LINE_LENGTH), lock)),
            Query(highest(series(metrics.LINE_AGE), lock)),
        ],
        [
            Column(lock, "Lock", link=_ITS_PAGE),
            Column("Value #A", "Jobs in line"),
            Column("Value #B", "First waits for", SECONDS, bad_from=thresholds.OLDEST_LINE),
        ],
        empty="no job waits",
    )


def _alerts() -> Panel:
    return table_panel(
        "Alerts, firing and pending",
        "What is wrong, or is about to count as wrong.",
        [Query(highest(series(ALERTS), "alertname", "alertstate", "severity"))],
        [
            Column("alertname", "Alert"),
            Column("alertstate", "State"),
            Column("severity", "Severity"),
            Column("Value #A", "Count"),
        ],
        empty="all is well",
        width=24,
        height=5,
    )


def _jobs() -> Panel:
    return graph(
        "Jobs",
        "Jobs that run and jobs that wait.",
        [Query(highest(series(metrics.JOBS), at.JOB_STATUS), shown(at.JOB_STATUS))],
        "short",
    )


def _line_ages() -> Panel:
    return graph(
        "How long the first in line waits",
        "The age of the oldest lines; it falls back when the first in line starts.",
        [Query(highest(series(metrics.LINE_AGE), at.LOCK_NAME), shown(at.LOCK_NAME))],
        SECONDS,
        empty="no job waits",
    )


def _hand_overs() -> Panel:
    chained = rate(series(metrics.HAND_OVER_DURATION, "_count"))
    taken = rate(series(metrics.TAKE_OVER_DURATION, "_count"))
    return graph(
        "Hand-overs and take-overs",
        "How often a lock went from one run to the next, by how; take-overs are those after a cut-off run.",
        [
            Query(total(chained, at.HAND_OVER_CAUSE), shown(at.HAND_OVER_CAUSE)),
            Query(total(taken, at.TAKE_OVER_CAUSE), f"taken over: {shown(at.TAKE_OVER_CAUSE)}"),
        ],
        PER_SECOND,
        empty="no lock changed hands",
    )


def _hand_over_times() -> Panel:
    return graph(
        "How long a hand-over takes",
        "From a handler's return, or the lock's release, to the first line of the next handler.",
        [
            Query(quantile(share, metrics.HAND_OVER_DURATION), f"{share:.0%}", exemplars=share > 0.9)
            for share in (0.5, 0.95)
        ],
        SECONDS,
        empty="no lock changed hands",
    )
