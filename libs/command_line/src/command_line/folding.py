"""Summing up what is too long to be read: of many steps, the first, the last and the slowest stay."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from command_line.waterfall import Stretch
from contracts.telemetry import spans

#: Steps and saved states of one attempt that are still shown one by one.
MOST = 30

_STEP = spans.STEP.partition("{")[0]

_ENDS_SHOWN = 4
_SLOWEST_SHOWN = 6


@dataclass
class Fold:
    """A number of steps in a row that are not shown."""

    stretches: Sequence[Stretch]

    @property
    def title(self) -> str:
        """What is left out."""
        steps = sum(stretch.name != spans.SAVE_STATE for stretch in self.stretches)
        states = len(self.stretches) - steps
        parts = [_count(steps, "step"), _count(states, "saved state")]
        return ", ".join(part for part in parts if part)

    @property
    def seconds(self) -> float:
        """How long the steps took together."""
        return sum(stretch.seconds for stretch in self.stretches)


def folded(stretches: Sequence[Stretch]) -> list[Stretch | Fold]:
    """Fold the less informative steps of every attempt that has too many."""
    rows: list[Stretch | Fold] = []
    for _, of_attempt in groupby(stretches, key=lambda stretch: stretch.attempt):
        rows += _folded_attempt(list(of_attempt))
    return rows


def _folded_attempt(stretches: list[Stretch]) -> list[Stretch | Fold]:
    places = [place for place, stretch in enumerate(stretches) if _is_small(stretch)]
    if len(places) <= MOST:
        return list(stretches)
    slowest = sorted(places, key=lambda place: stretches[place].seconds, reverse=True)[:_SLOWEST_SHOWN]
    hidden = set(places[_ENDS_SHOWN:-_ENDS_SHOWN]) - set(slowest)
    rows: list[Stretch | Fold] = []
    for is_hidden, run in groupby(enumerate(stretches), key=lambda numbered: numbered[0] in hidden):
        found = [stretch for _, stretch in run]
        rows += [Fold(found)] if is_hidden and len(found) > 1 else found
    return rows


def _is_small(stretch: Stretch) -> bool:
    return stretch.end is not None and (stretch.name == spans.SAVE_STATE or stretch.name.startswith(_STEP))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}" if number else ""
