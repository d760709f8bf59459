"""Thresholds: what a scenario must hold in addition to the promises, read from a TOML file."""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

#: The ones that come with the scenarios.
DEFAULT_FILE = Path(__file__).parent / "thresholds.toml"

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


def _check(file: Path, name: str, table: Any) -> None:
    if not isinstance(table, Mapping):
        raise ThresholdError(f"{file}: {name} must be a table, [{name}]")
    known = [field.name for field in fields(Thresholds)]
    for key, value in table.items():
        if key not in known:
            raise ThresholdError(f"{file}: [{name}] {key} is not a threshold; there are {', '.join(known)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise ThresholdError(f"{file}: [{name}] {key} must be a number from 0, not {value!r}")
