"""PromQL, from metrics and attributes of the schema."""

from collections.abc import Mapping

from contracts.telemetry.names import Attribute, Metric
from deploy.dashboards.foreign import Foreign

Measured = Metric | Foreign

#: The window of a rate, chosen by Grafana: at least four scrapes and one point of the graph.
RATE = "$__rate_interval"
#: All that the dashboard shows.
SHOWN = "$__range"


def label(name: str) -> str:
    """Return an attribute's name as Prometheus' labels have it."""
    return name.replace(".", "_")


def series(
    metric: Measured,
    suffix: str = "",
    *,
    where: Mapping[str, str] | None = None,
    like: Mapping[str, str] | None = None,
) -> str:
    """Select a metric's series: with values `where`, and with values that match `like`.

    Raises ValueError when an attribute of the schema does not have the value.
    """
    for attribute, value in (where or {}).items():
        if isinstance(attribute, Attribute) and attribute.values and value not in attribute.values:
            raise ValueError(f"{attribute} is never {value}")
    conditions = [f'{label(name)}="{value}"' for name, value in (where or {}).items()]
    conditions += [f'{label(name)}=~"{value}"' for name, value in (like or {}).items()]
    return metric.prometheus_name + suffix + (f"{{{', '.join(conditions)}}}" if conditions else "")


def rate(selected: str) -> str:
    """How much per second: for what happens all the time."""
    return f"rate({selected}[{RATE}])"


def happened(selected: str, window: str = RATE) -> str:
    """How much within a window, to be summed up: for what happens rarely.

    A series often begins with its first event, which `increase` alone would miss. So all of a series that
    was not there before the window counts, even when its process has ended since.
    """
    all_of_new = f"max_over_time({selected}[{window}]) unless {selected} offset {window}"
    return f"({all_of_new}) or increase({selected}[{window}])"


def total(expression: str, *by: str) -> str:
    """Sum up, by these labels."""
    return f"sum{_by(*by)} ({expression})"


def highest(expression: str, *by: str) -> str:
    """Take the highest, by these labels: of what one of several standbys knows."""
    return f"max{_by(*by)} ({expression})"


def quantile(
    share: float,
    metric: Measured,
    *by: str,
    window: str = RATE,
    where: Mapping[str, str] | None = None,
    like: Mapping[str, str] | None = None,
) -> str:
    """Estimate a quantile of a histogram within a window."""
    buckets = happened(series(metric, "_bucket", where=where, like=like), window)
    return f"histogram_quantile({share}, {total(buckets, 'le', *by)})"


def shown(name: str) -> str:
    """Return a label as a legend."""
    return f"{{{{{label(name)}}}}}"


def _by(*labels: str) -> str:
    return f" by ({', '.join(map(label, labels))})" if labels else ""
