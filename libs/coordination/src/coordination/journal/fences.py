"""Fences of removed runs, as text: of each run where its job's row stays, and as ranges where no row does."""

import bisect
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from contracts.statuses import EventStatus
from coordination.journal.events import slot_of
from coordination.journal.rows import EventRow


class UsedFence(NamedTuple):
    """The fence of a run, and whether a take-over that started no job may have used the next one, too."""

    fence: int
    #: A run that another holder found cut off: its take-over moved the fence, and perhaps started nothing.
    may_skip: bool = False
    #: The slot of the lock in which it ran; each has fences of its own.
    slot: int = 0


def used_fences(events: Iterable[EventRow]) -> list[UsedFence]:
    """Return the fences of a job's runs, by its events."""
    found: list[UsedFence] = []
    for event in events:
        if event.status == EventStatus.STARTED:
            found.append(UsedFence(event.fence or 0, slot=slot_of(event)))
        elif event.status == EventStatus.INTERRUPTED and found and '"died":true' not in event.data:
            found[-1] = found[-1]._replace(may_skip=True)
    return found


def write_fences(fences: Sequence[UsedFence]) -> str:
    """Return fences as text: `4-6,9+` are 4, 5, 6 and 9, the last of which may skip.

    Those of other slots than slot 0 follow, each behind its number: `4-6;1:2,3` are two more of slot 1.
    """
    slots = groupby(sorted(fences, key=lambda used: used.slot), key=lambda used: used.slot)
    return ";".join(f"{slot}:{_of_slot(used)}" if slot else _of_slot(used) for slot, used in slots)


def _of_slot(fences: Iterable[UsedFence]) -> str:
    parts: list[str] = []
    for used in fences:
        first, _, last = parts[-1].partition("-") if parts else ("", "", "")
        end = last or first
        if used.may_skip or not end.isdecimal() or int(end) + 1 != used.fence:
            parts.append(f"{used.fence}{'+' * used.may_skip}")
        else:
            parts[-1] = f"{first}-{used.fence}"
    return ",".join(parts)


def read_fences(text: str) -> Iterator[UsedFence]:
    """Read fences back. Raises ValueError for another text."""
    for slot, part in _parts(text):
        first, is_range, last = part.partition("-")
        if is_range:
            yield from (UsedFence(fence, slot=slot) for fence in range(int(first), int(last) + 1))
        else:
            yield UsedFence(int(part.removesuffix("+")), part.endswith("+"), slot)


def _parts(text: str) -> Iterator[tuple[int, str]]:
    for of_slot in text.split(";") if text else ():
        before, colon, fences = of_slot.rpartition(":")
        slot = int(before) if colon else 0
        for part in fences.split(","):
            yield slot, part


class _Range(NamedTuple):
    first: int
    last: int
    #: Whether a take-over that started no job may have used the fence behind it.
    may_skip: bool = False


class FenceRanges:
    """Fences of a lock in few ranges, however many they are.

    Where only one fence lies between two ranges, and a take-over may have used it, they become one: that it
    is missing proves nothing. `skipped` counts such fences.
    """

    def __init__(self, text: str = "", skipped: int = 0) -> None:
        """Read what `text` returned. Raises ValueError for another text."""
        self.skipped = skipped
        self._slots: dict[int, list[_Range]] = {}
        for slot, part in _parts(text):
            first, is_range, last = part.removesuffix("+").partition("-")
            self._slots.setdefault(slot, []).append(
                _Range(int(first), int(last if is_range else first), part.endswith("+"))
            )

    def add(self, used: UsedFence) -> None:
        """Add the fence of a run; each is added once."""
        ranges = self._slots.setdefault(used.slot, [])
        place = bisect.bisect_right(ranges, used.fence, key=lambda one: one.first)
        if place and ranges[place - 1].last >= used.fence:
            # It was taken for one that no run has.
            self.skipped -= 1
            return
        ranges.insert(place, _Range(used.fence, used.fence, used.may_skip))
        self._join(ranges, place)
        if place:
            self._join(ranges, place - 1)

    def _join(self, ranges: list[_Range], place: int) -> None:
        """Join a range with the one behind it, where they touch."""
        if place + 1 >= len(ranges):
            return
        left, right = ranges[place], ranges[place + 1]
        between = right.first - left.last - 1
        if between == 0 or (between == 1 and left.may_skip):
            self.skipped += between
            ranges[place : place + 2] = [_Range(left.first, right.last, right.may_skip)]

    @property
    def text(self) -> str:
        """The ranges as text."""
        slots = sorted((slot, ranges) for slot, ranges in self._slots.items() if ranges)
        return ";".join(f"{slot}:{_written(ranges)}" if slot else _written(ranges) for slot, ranges in slots)

    @property
    def count(self) -> int:
        """How many fences there are, with those that were skipped."""
        return sum(one.last - one.first + 1 for ranges in self._slots.values() for one in ranges)

    def of_slot(self, slot: int = 0) -> Iterator[tuple[int, int, bool]]:
        """Go through the ranges of a slot: first and last fence, and whether the next may be skipped."""
        yield from self._slots.get(slot, ())

    def end_of(self, fence: int, slot: int = 0) -> int | None:
        """Return the last fence of the range that has this one; None when none has it."""
        for first, last, _ in self.of_slot(slot):
            if first <= fence <= last:
                return last
        return None


def _written(ranges: Iterable[_Range]) -> str:
    return ",".join(
        (f"{one.first}-{one.last}" if one.last > one.first else f"{one.first}") + "+" * one.may_skip
        for one in ranges
    )
