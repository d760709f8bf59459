"""The period that is checked: the last hours, or between two moments; the page's address has it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

#: Periods up to now, by their names in the address: what the choice shows, what a sentence says, and hours.
LATEST = {
    "24h": ("24 h", "24 hours", 24),
    "7d": ("7 days", "7 days", 168),
    "30d": ("30 days", "30 days", 720),
}

#: The period that has a beginning and an end of its own.
BETWEEN = "between"

DEFAULT = "24h"

#: A check of a longer period begins only when the viewer asks for it.
_SHORT = timedelta(hours=24)


class PeriodError(ValueError):
    """The address names no period that can be checked."""


@dataclass(frozen=True)
class Period:
    """A period by its name; the moments are of the one between two moments, in UTC."""

    name: str = DEFAULT
    since: datetime | None = None
    #: None for now.
    until: datetime | None = None

    def bounds(self, now: datetime) -> tuple[datetime, datetime]:
        """Return its beginning and its end."""
        if self.name in LATEST:
            return now - timedelta(hours=LATEST[self.name][2]), now
        return self.since or now - _SHORT, self.until or now

    def is_short(self, now: datetime) -> bool:
        """Return whether it is checked without being asked for."""
        since, until = self.bounds(now)
        return until - since <= _SHORT

    @property
    def query(self) -> dict[str, str]:
        """What the address says of it; nothing of the default."""
        if self.name in LATEST:
            return {} if self.name == DEFAULT else {"period": self.name}
        moments = {"since": self.since, "until": self.until}
        return {"period": BETWEEN} | {
            name: written(each) for name, each in moments.items() if each is not None
        }


def read_period(query: Mapping[str, str]) -> Period:
    """Return the period that an address names; the default for a name that is none. Raises PeriodError."""
    name = query.get("period", DEFAULT)
    if name != BETWEEN:
        return Period(name if name in LATEST else DEFAULT)
    since, until = _moment(query, "since"), _moment(query, "until")
    if since is None:
        raise PeriodError("The period has no beginning: choose one.")
    if until is not None and until <= since:
        raise PeriodError("The period ends before it begins: choose a later end.")
    return Period(BETWEEN, since, until)


def written(moment: datetime) -> str:
    """Return a moment as addresses have it."""
    text = moment.astimezone(UTC).isoformat(timespec="seconds" if moment.second else "minutes")
    return text.removesuffix("+00:00") + "Z"


def _moment(query: Mapping[str, str], name: str) -> datetime | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        raise PeriodError(f"The address has a time that cannot be read: {name}={shown}.") from None
