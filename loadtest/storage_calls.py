"""Counting the services' requests to the storage, by their own metrics."""

from collections.abc import Mapping, Sequence

from deploy.processes import local_http

from contracts.telemetry import metrics

_SUFFIX = "_count"
_TIMEOUT_SECONDS = 5.0


def count(urls: Mapping[str, Sequence[str]]) -> dict[str, float] | None:
    """Return how many requests each service has sent; None when one of its processes does not answer."""
    found = {}
    for service, of_service in urls.items():
        try:
            found[service] = sum(_total(read(url)) for url in of_service)
        except OSError:
            return None
    return found


def difference(before: Mapping[str, float] | None, after: Mapping[str, float] | None) -> dict[str, float]:
    """Return what was added; nothing for a service of which a process was restarted in between."""
    if before is None or after is None:
        return {}
    return {
        service: after[service] - calls for service, calls in before.items() if after.get(service, 0) >= calls
    }


def read(url: str) -> str:
    """Return the metrics of a process. Raises OSError."""
    with local_http.get(url, timeout=_TIMEOUT_SECONDS) as answer:
        text: str = answer.read().decode()
        return text


def _total(text: str) -> float:
    name = f"{metrics.STORAGE_CALL_DURATION.replace('.', '_')}_seconds{_SUFFIX}"
    lines = (line for line in text.splitlines() if line.startswith(name))
    # A line may end with an exemplar, after " # ".
    return sum(float(line.partition(" # ")[0].rsplit(" ", 1)[1]) for line in lines)
