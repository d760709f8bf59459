"""Plumbing: the broker, the storage, and the services that are not at work on a job."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from deploy.dashboards import foreign, messaging, telemetry, thresholds
from deploy.dashboards.frame import frame
from deploy.dashboards.panels import COUNT, PER_SECOND, SECONDS, Panel, Query, graph
from deploy.dashboards.queries import (
    happened,
    highest,
    quantile,
    rate,
    series,
    shown,
    total,
)
from deploy.dashboards.tables import Column, table_panel

UID = "plumbing"


def build() -> Dashboard:
    """Make the dashboard."""
    return frame(
        UID,
        "Plumbing",
        "RabbitMQ, storage, projector, scheduler, runners and API: what everything else stands on.",
        [
            ("RabbitMQ", messaging.broker()),
            ("wake-ups and sweeps", messaging.wake_ups()),
            ("Storage", [_calls(), _call_times(), _calls_per_run()]),
            ("Projector", [_lag(), _projected()]),
            ("Workers", [_workers(), _runners(), _restarts(), _unknown_kinds()]),
            ("API", [_requests(), _request_times(), _open_requests()]),
            ("Telemetry", telemetry.panels()),
            ("Scrapes", [_targets(), _scrapes(), _missing()]),
        ],
    )


# --- Storage -------------------------------------------------------------------------------------------


def _calls() -> Panel:
    calls = rate(series(metrics.STORAGE_CALL_DURATION, "_count"))
    return graph(
        "Storage calls, by operation and outcome",
        "Requests to the storage per second; refused: another writer was first; unknown: no answer came.",
        [
            Query(
                total(calls, at.STORAGE_OPERATION, at.STORAGE_OUTCOME),
                f"{shown(at.STORAGE_OPERATION)}, {shown(at.STORAGE_OUTCOME)}",
            )
        ],
        PER_SECOND,
        empty="no calls",
        width=8,
    )


def _call_times() -> Panel:
    return graph(
        "Storage latency, by operation",
        "95 % of the requests of an operation took no longer.",
        [
            Query(
                quantile(0.95, metrics.STORAGE_CALL_DURATION, at.STORAGE_OPERATION),
                shown(at.STORAGE_OPERATION),
                exemplars=True,
            )
        ],
        SECONDS,
        empty="no calls",
        width=8,
    )


def _calls_per_run() -> Panel:
    whole, runs = (
        total(happened(series(metrics.JOB_STORAGE_CALLS, part)), at.JOB_KIND) for part in ("_sum", "_count")
    )
    return graph(
        "Storage calls per run, by kind",
        "How many requests a worker needed for one run on average, renewals left out.",
        [Query(f"{whole} / {runs}", shown(at.JOB_KIND))],
        COUNT,
        empty="no run ended",
        width=8,
    )


# --- Projector -----------------------------------------------------------------------------------------


def _lag() -> Panel:
    return graph(
        "Projection lag",
        "From an event's commit to its place in the audit trail.",
        [
            Query(quantile(share, metrics.PROJECTION_LAG), f"{share:.0%}", exemplars=share > 0.9)
            for share in (0.5, 0.95)
        ],
        SECONDS,
        limit=thresholds.MOST_LAG,
        empty="no event was projected",
    )


def _projected() -> Panel:
    return graph(
        "Events projected",
        "Events written to the audit trail per second.",
        [Query(total(rate(series(metrics.EVENTS_PROJECTED))), "events")],
        PER_SECOND,
        empty="no event was projected",
    )


# --- Workers -------------------------------------------------------------------------------------------


def _workers() -> Panel:
    return graph(
        "Workers, by heartbeat",
        "Workers with a fresh heartbeat, and those that fell silent without saying goodbye.",
        [Query(highest(series(metrics.WORKERS), at.WORKER_STATE), shown(at.WORKER_STATE))],
        COUNT,
        empty="no scheduler on duty",
    )


def _runners() -> Panel:
    return graph(
        "Runners",
        "Runner processes that run a job, and those that wait for one.",
        [Query(total(series(metrics.RUNNERS), at.RUNNER_STATE), shown(at.RUNNER_STATE))],
        COUNT,
        empty="no worker is watched",
    )


def _restarts() -> Panel:
    return graph(
        "Runners replaced",
        "Runners that died, or were ended as they could not be used again.",
        [Query(total(happened(series(metrics.RUNNER_RESTARTS)), at.RUNNER_END), shown(at.RUNNER_END))],
        COUNT,
        bars=True,
        empty="none was replaced",
    )


def _unknown_kinds() -> Panel:
    return graph(
        "Jobs of unknown kinds",
        "Times a worker met a job of a kind it does not know; after a minute the job fails.",
        [Query(total(happened(series(metrics.JOBS_UNKNOWN_KIND))), "encounters")],
        COUNT,
        bars=True,
        empty="none",
    )


# --- API and scrapes -----------------------------------------------------------------------------------


def _requests() -> Panel:
    requests = rate(series(metrics.HTTP_DURATION, "_count"))
    return graph(
        "Requests, by route and status",
        "HTTP requests per second.",
        [
            Query(
                total(requests, at.HTTP_ROUTE, at.HTTP_STATUS),
                f"{shown(at.HTTP_ROUTE)}, {shown(at.HTTP_STATUS)}",
            )
        ],
        PER_SECOND,
        empty="no requests",
        width=8,
    )


def _request_times() -> Panel:
    return graph(
        "Request duration, by route",
        "95 % of the requests took no longer; one that follows a job lasts as long as its client reads.",
        [
            Query(
                quantile(0.95, metrics.HTTP_DURATION, at.HTTP_ROUTE),
                shown(at.HTTP_ROUTE),
                exemplars=True,
            )
        ],
        SECONDS,
        empty="no requests",
        width=8,
    )


def _open_requests() -> Panel:
    return graph(
        "Requests in progress",
        "Requests that are being answered, among them those that follow a job.",
        [Query(total(series(metrics.HTTP_ACTIVE)), "requests")],
        COUNT,
        empty="no requests",
        width=8,
    )


def _targets() -> Panel:
    return table_panel(
        "Targets",
        "Every process that Prometheus asks for metrics, and whether it answered.",
        [Query(highest(series(foreign.UP), "job", "instance"))],
        [Column("job", "Service"), Column("instance", "Address"), Column("Value #A", "Answers")],
        empty="Prometheus has no targets",
    )


def _missing() -> Panel:
    passed = series(metrics.HEALTH_CHECK_PASSED)
    return graph(
        "What services miss",
        "How many services found RabbitMQ, the storage or a runner missing when their health was asked last.",
        [Query(total(f"1 - {passed}", at.CHECK_NAME), shown(at.CHECK_NAME))],
        COUNT,
        empty="no health was asked",
    )


def _scrapes() -> Panel:
    return graph(
        "How long scrapes take",
        "The slowest answer of each service when it is asked for its metrics.",
        [Query(highest(series(foreign.SCRAPE_DURATION), "job"), shown("job"))],
        SECONDS,
        empty="Prometheus has no targets",
    )
