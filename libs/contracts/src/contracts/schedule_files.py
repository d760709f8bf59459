"""Files with schedules: TOML, one table for each schedule.

```toml
[schedules.close-of-day]
cron = "30 2 * * MON-FRI"
zone = "Europe/Berlin"
job = { kind = "ten-steps", lock = "ledger-2026", on_conflict = "skip" }
```
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from contracts.field_words import in_words
from contracts.jobs import NAME_IN_WORDS
from contracts.schedules import SCHEDULE_NAME, ScheduleDefinition


class ScheduleFileError(ValueError):
    """The file cannot be used; the message names the place and the reason."""


def read_schedules(path: Path) -> Mapping[str, ScheduleDefinition]:
    """Return the schedules of a file by name. Raises ScheduleFileError or OSError."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScheduleFileError(f"{path} is not TOML: {error}") from None
    unknown = sorted(document.keys() - {"schedules"})
    tables = document.get("schedules")
    if unknown or not isinstance(tables, dict):
        found = f", and not {unknown[0]!r}" if unknown else ""
        raise ScheduleFileError(f"{path} has tables [schedules.NAME]{found}")
    return {name: _schedule(path, name, table) for name, table in sorted(tables.items())}


def _schedule(path: Path, name: str, table: object) -> ScheduleDefinition:
    if not re.fullmatch(SCHEDULE_NAME, name):
        raise ScheduleFileError(f"{path}: {name!r} cannot name a schedule; use {NAME_IN_WORDS}")
    try:
        return ScheduleDefinition.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in ("schedules", name, *first["loc"]))
        raise ScheduleFileError(f"{path}: {place}: {in_words(first, ScheduleDefinition)}") from None
