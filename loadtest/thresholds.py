"""Thresholds: what a scenario must hold in addition to the promises, read from a TOML file."""

import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from loadtest.book import quantile
from loadtest.figures import Figures
from loadtest.findings import Finding

#: The ones that come with the scenarios.
DEFAULT_FILE = Path(__file__).parent / "thresholds.toml"

_HAND_OVER = "hand-over, 95 %, seconds"

#: The table that counts for every scenario.
EVERY = "every"


class ThresholdError(Exception):
    """The file cannot be used; the text names the file and the key."""


@dataclass(frozen=True)
class Thresholds:
    """What must hold; what is None may be anything."""

    #: At least: accepted submissions while submissions were sent.
    submissions_per_second: float | None = None
    #: At least: jobs through the busiest lock, from its first start to its last end.
    jobs_per_second: float | None = None
    #: At most: from a submission's request to its answer.
    submit_p95_seconds: float | None = None
    #: At most: share of the submissions that got no answer, or the answer to try again.
    unavailable_percent: float | None = None
    #: At most: from the submission, or interruption, to the start.
    in_line_p95_seconds: float | None = None
    #: At most: from a handler's return to the first line of the next under the lock, of a job that waited.
    hand_over_p95_seconds: float | None = None
    #: At most: from a run being cut off to the next start under the lock.
    take_over_max_seconds: float | None = None
    #: At most: requests of all services to the storage for each accepted job.
    storage_calls_per_job: float | None = None
    #: At most: from a page's request for a refresh to its end.
    refresh_p95_seconds: float | None = None
    #: At most: from a due time of a schedule to the start of its job, where no other job had the lock.
    start_late_p95_seconds: float | None = None
    start_late_p99_seconds: float | None = None
    #: At most: requests of the dashboard to the storage in a minute, for all viewers.
    dashboard_calls_per_minute: float | None = None


def read_thresholds(file: Path, scenarios: Collection[str]) -> dict[str, Thresholds]:
    """Read the thresholds of each of the scenarios, and under EVERY those of all. Raises ThresholdError."""
    try:
        document = tomllib.loads(file.read_text())
    except (OSError, UnicodeError) as error:
        raise ThresholdError(f"{file}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ThresholdError(f"{file}: {error}") from None
    for name, table in document.items():
        if name not in {EVERY, *scenarios}:
            known = ", ".join((EVERY, *scenarios))
            raise ThresholdError(f"{file}: [{name}] is not a scenario; there are {known}")
        _check(file, name, table)
    every = replace(Thresholds(), **document.get(EVERY, {}))
    return {EVERY: every, **{name: replace(every, **document.get(name, {})) for name in scenarios}}


def judge(figures: Figures, thresholds: Thresholds) -> Iterable[Finding]:
    """Judge what a run measured."""
    at_least: Callable[[float, float], bool] = lambda seen, limit: seen >= limit  # noqa: E731
    at_most: Callable[[float, float], bool] = lambda seen, limit: seen <= limit  # noqa: E731
    rows = (
        ("submissions accepted per second", figures.submissions_per_second,
         thresholds.submissions_per_second, "at least", at_least),
        ("jobs per second through the busiest lock", figures.jobs_per_second,
         thresholds.jobs_per_second, "at least", at_least),
        ("answer to a submission, 95 %, seconds", quantile(figures.submit_seconds, 0.95),
         thresholds.submit_p95_seconds, "at most", at_most),
        ("submissions without an answer, percent", figures.unavailable_percent,
         thresholds.unavailable_percent, "at most", at_most),
        ("time in line, 95 %, seconds", quantile(figures.in_line_seconds, 0.95),
         thresholds.in_line_p95_seconds, "at most", at_most),
        (_HAND_OVER, _hand_over(figures),
         thresholds.hand_over_p95_seconds, "at most", at_most),
        ("take-over, longest, seconds", max(figures.take_over_seconds, default=None),
         thresholds.take_over_max_seconds, "at most", at_most),
        ("storage requests per job, all services", sum(figures.storage_calls_per_job.values()) or None,
         thresholds.storage_calls_per_job, "at most", at_most),
        ("refresh of an open page, 95 %, seconds", quantile(figures.refresh_seconds, 0.95),
         thresholds.refresh_p95_seconds, "at most", at_most),
        ("from due time to start, 95 %, seconds", quantile(figures.start_late_seconds, 0.95),
         thresholds.start_late_p95_seconds, "at most", at_most),
        ("from due time to start, 99 %, seconds", quantile(figures.start_late_seconds, 0.99),
         thresholds.start_late_p99_seconds, "at most", at_most),
        ("storage requests of the dashboard per minute", figures.dashboard_calls_per_minute,
         thresholds.dashboard_calls_per_minute, "at most", at_most),
    )  # fmt: skip
    for what, seen, limit, word, compare in rows:
        if limit is not None:
            promised = f"{what}: {word} {limit:g}"
            # Without a measurement, a value that has to reach something has not reached it.
            is_kept = compare(seen, limit) if seen is not None else word == "at most"
            is_unknown = what == _HAND_OVER and figures.hand_overs is None
            absent = "n/a" if is_unknown else "none"
            yield Finding(promised, absent if seen is None else f"{seen:.3g}", is_kept)


def _hand_over(figures: Figures) -> float | None:
    return figures.hand_overs.all.quantile(0.95) if figures.hand_overs is not None else None


def _check(file: Path, name: str, table: Any) -> None:
    if not isinstance(table, Mapping):
        raise ThresholdError(f"{file}: {name} must be a table, [{name}]")
    known = [field.name for field in fields(Thresholds)]
    for key, value in table.items():
        if key not in known:
            raise ThresholdError(f"{file}: [{name}] {key} is not a threshold; there are {', '.join(known)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise ThresholdError(f"{file}: [{name}] {key} must be a number from 0, not {value!r}")
