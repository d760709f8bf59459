"""When a schedule is due: by cron in a time zone, or at regular intervals. Pure: knows no clock."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

#: No due time lies later than this; calculations beyond it would leave the calendar.
LAST_MOMENT = datetime(2200, 1, 1, tzinfo=UTC)

#: No clock was ever put back by more.
_LONGEST_SHIFT = timedelta(days=1)

#: Names of common patterns, as cron knows them.
ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


class TimingError(ValueError):
    """The field says no time that a schedule can have."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Pattern(Protocol):
    """Moments that follow each other for ever, before the start and the end of a schedule count."""

    def after(self, moment: datetime) -> datetime | None:
        """Return the first moment behind this one; None when there is none."""

    def before(self, moment: datetime) -> datetime | None:
        """Return the last moment before this one; None when there is none."""


@dataclass(frozen=True)
class Interval:
    """Moments at regular distances, counted from an anchor, which is the first of them."""

    seconds: float
    anchor: datetime

    def after(self, moment: datetime) -> datetime | None:
        """Return the first moment behind this one."""
        if moment < self.anchor:
            return self.anchor
        return self._at((moment - self.anchor) // self._step + 1)

    def before(self, moment: datetime) -> datetime | None:
        """Return the last moment before this one; None before the anchor."""
        if moment <= self.anchor:
            return None
        return self._at(-((self.anchor - moment) // self._step) - 1)

    @property
    def _step(self) -> timedelta:
        return timedelta(seconds=self.seconds)

    def _at(self, number: int) -> datetime | None:
        try:
            return self.anchor + number * self._step
        except OverflowError:
            return None


@dataclass(frozen=True)
class Cron:
    """Moments by a cron expression of 5 fields, or of 6 with the seconds first, in a time zone.

    An expression that names hours goes by the clock on the wall: each time counts once. One that the clock
    skips, when it is put forward, counts at the first time behind the gap. Of one that comes twice, when it
    is put back, the first counts. An expression for every hour, or every nth, goes by real time: times that
    are skipped do not count, and those that come twice count twice.
    """

    expression: str
    zone: str

    def after(self, moment: datetime) -> datetime | None:
        """Return the first moment behind this one; None when none comes within 50 years."""
        local = _local(moment, self.zone)
        # Where the clock is about to be put back, what it shows later may be less than what it shows now.
        start = local - max(_offset(local) - _offset(local + _LONGEST_SHIFT), timedelta())
        best: datetime | None = None
        for found in self._simulated(start, is_back=False):
            if best is not None and _moments(found, local.tzinfo)[0] > best:
                break
            later = [at for at in self._moments(found, local.tzinfo) if at > moment]
            best = min([*later, best] if best else later, default=None)
        return best

    def before(self, moment: datetime) -> datetime | None:
        """Return the last moment before this one; None when none came within 50 years."""
        local = _local(moment, self.zone)
        start = local + max(_offset(local - _LONGEST_SHIFT) - _offset(local), timedelta())
        best: datetime | None = None
        # The search leaves out where it begins, and the rest of that second.
        for found in self._simulated(start + timedelta(seconds=1), is_back=True):
            if best is not None and _moments(found, local.tzinfo)[-1] < best:
                break
            earlier = [at for at in self._moments(found, local.tzinfo) if at < moment]
            best = max([*earlier, best] if best else earlier, default=None)
        return best

    def _simulated(self, start: datetime, *, is_back: bool) -> Iterator[datetime]:
        """Yield what a clock on the wall shows at the moments, as long as the calendar goes."""
        try:
            yield from CronSim(" ".join(_parts(self.expression)), start.replace(tzinfo=None), reverse=is_back)
        except (OverflowError, ValueError):
            return

    def _moments(self, local: datetime, zone: tzinfo | None) -> Sequence[datetime]:
        """Return the moments for which a time on the wall stands; none where a skipped one counts nowhere."""
        found = _moments(local, zone)
        if _parts(self.expression)[-4].startswith("*"):
            return [at for at in found if _on_the_wall(at, zone) == local]
        while _on_the_wall(found[0], zone) != local:
            # Clocks are changed at whole minutes.
            local = local.replace(second=0) + timedelta(minutes=1)
            found = _moments(local, zone)
        return found[:1]


def _local(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(zone_of(zone))


def _moments(local: datetime, zone: tzinfo | None) -> list[datetime]:
    """Return when a clock shows a time for the first time, and for the last; it may never, in a gap."""
    return sorted(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))


def _on_the_wall(moment: datetime, zone: tzinfo | None) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or timedelta()


@lru_cache(maxsize=1000)
def zone_of(name: str) -> tzinfo:
    """Return an IANA time zone. Raises TimingError for a name that is not one."""
    message = f"{name[:80]!r} is not an IANA time zone such as Europe/Berlin or UTC"
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise TimingError("zone", message) from None


def cron(expression: str, zone: str) -> Cron:
    """Return a cron pattern. Raises TimingError when the expression or the zone cannot be used."""
    zone_of(zone)
    try:
        _simulated(expression)
    except (CronSimError, ValueError, AssertionError) as error:
        message = (
            f"{str(error).lower() or 'cannot be read'}; write 5 fields (minute hour day month weekday), 6 "
            f"with the seconds first, or one of {', '.join(ALIASES)}"
        )
        raise TimingError("cron", message) from None
    return Cron(expression, zone)


def explained(expression: str) -> str:
    """Return a usable cron expression in words."""
    return str(_simulated(expression).explain())


@dataclass(frozen=True)
class Timing:
    """When a schedule is due: the moments of a pattern from a start to an end, both included."""

    pattern: Pattern
    start: datetime | None = None
    end: datetime | None = None

    def after(self, moment: datetime) -> datetime | None:
        """Return the first due time behind a moment; None when there is none."""
        if moment >= LAST_MOMENT:
            return None
        if self.start is not None and moment < self.start:
            # A pattern has whole microseconds: the start itself may be due.
            moment = self.start - timedelta(microseconds=1)
        found = self.pattern.after(moment)
        if found is None or found > LAST_MOMENT:
            return None
        return found if self.end is None or found <= self.end else None

    def back_from(self, moment: datetime, until: datetime) -> Iterator[datetime]:
        """Yield the due times from a moment, included, back to another, excluded; the latest first."""
        at = moment + timedelta(microseconds=1)
        if self.end is not None:
            at = min(at, self.end + timedelta(microseconds=1))
        while (found := self.pattern.before(at)) is not None and found > until:
            if self.start is not None and found < self.start:
                return
            yield found
            at = found

    def following(self, moment: datetime, count: int) -> list[datetime]:
        """Return the first due times behind a moment, at most so many."""
        found: list[datetime] = []
        while len(found) < count and (due := self.after(found[-1] if found else moment)) is not None:
            found.append(due)
        return found


def _simulated(expression: str) -> CronSim:
    return CronSim(" ".join(_parts(expression)), datetime(2026, 1, 1, tzinfo=UTC))


def _parts(expression: str) -> list[str]:
    return ALIASES.get(expression.strip().lower(), expression).split()
