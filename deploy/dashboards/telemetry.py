"""What becomes of traces and log records between the services and the servers that keep them."""

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from deploy.dashboards import foreign, thresholds
from deploy.dashboards.panels import COUNT, SHARE, Panel, Query, graph
from deploy.dashboards.queries import happened, highest, series, shown, total

_WINDOW = "15m"
#: What the collector drops, and how.
_LOST = {
    "sent in vain": (foreign.SPANS_UNSENT, foreign.LINES_UNSENT),
    "no room": (foreign.SPANS_UNQUEUED, foreign.LINES_UNQUEUED),
}
_REFUSED = {"spans": foreign.SPANS_REFUSED, "log records": foreign.LINES_REFUSED}
_FULL = highest(f"{series(foreign.QUEUED_BYTES)} / {series(foreign.QUEUE_BYTES)}", foreign.EXPORTER)


def panels() -> list[Panel]:
    """Return a row of panels."""
    return [_lost(), _dropped(), _queues()]


def losses() -> str:
    """Return what has a result while too much is lost, or is about to be."""
    by_collector = [metric for both in _LOST.values() for metric in both]
    lost = [total(happened(series(metric), _WINDOW), foreign.EXPORTER) for metric in by_collector]
    lost.append(total(happened(series(metrics.TELEMETRY_DROPPED), _WINDOW), "job"))
    rules = [f"{number} > {thresholds.MOST_LOST}" for number in lost]
    return " or ".join([*rules, f"{_FULL} > {thresholds.FULLEST_QUEUE:g}"])


def _lost() -> Panel:
    queries = [
        Query(total(happened(series(metric)), foreign.EXPORTER), f"{what}: {shown(foreign.EXPORTER)}")
        for what, both in _LOST.items()
        for metric in both
    ]
    queries += [
        Query(total(happened(series(metric))), f"refused: {what}") for what, metric in _REFUSED.items()
    ]
    return graph(
        "Lost by the collector",
        "Spans and log records that the collector dropped, or refused so that their sender drops them.",
        queries,
        COUNT,
        bars=True,
        empty="no collector is watched, or nothing was lost",
        width=8,
    )


def _dropped() -> Panel:
    dropped = happened(series(metrics.TELEMETRY_DROPPED))
    return graph(
        "Lost by services",
        "Spans and log records that services made and could not send.",
        [
            Query(
                total(dropped, at.TELEMETRY_SIGNAL, at.TELEMETRY_LOSS, "job"),
                f"{shown('job')}: {shown(at.TELEMETRY_SIGNAL)}, {shown(at.TELEMETRY_LOSS)}",
            )
        ],
        COUNT,
        bars=True,
        empty="no service is watched",
        width=8,
    )


def _queues() -> Panel:
    return graph(
        "Queues of the collector",
        "How full the collector's queues are; what finds no room is dropped.",
        [Query(_FULL, shown(foreign.EXPORTER))],
        SHARE,
        limit=thresholds.FULLEST_QUEUE,
        empty="no collector is watched",
        width=8,
    )
