"""Leaving rows out of a timeline that is too long to be read: what is left out is counted and added up."""

from collections.abc import Sequence
from dataclasses import replace

from dashboard.timeline import Row, RowKind, Timeline

#: Recorded steps that are still shown one by one: of one attempt, and of all attempts together.
MOST_STEPS, _MOST_STEPS_IN_ALL = 60, 120

#: Of the steps of an attempt that may be shown, this part is shown at either end when it has more.
_FEWEST_STEPS, _ENDS = 6, 3

#: Attempts that are still shown one by one, and how many at either end of more.
MOST_ATTEMPTS = 20
_FIRST_ATTEMPTS, _LAST_ATTEMPTS = 3, 10


def folded(timeline: Timeline) -> Timeline:
    """Return the timeline with few enough rows to be read."""
    groups: list[list[Row]] = []
    for row in timeline.rows:
        if row.attempt and groups and groups[-1][0].attempt == row.attempt:
            groups[-1].append(row)
        else:
            groups.append([row])
    groups = _folded_attempts(groups)
    most = _most_steps(groups)
    return replace(timeline, rows=tuple(row for group in groups for row in _folded_steps(group, most)))


def _most_steps(groups: Sequence[Sequence[Row]]) -> int:
    """Return how many steps of one attempt are shown: fewer when there are many attempts with many steps."""
    counts = [sum(row.kind is RowKind.STEP for row in group) for group in groups]
    if sum(counts) <= _MOST_STEPS_IN_ALL:
        return MOST_STEPS
    return max(_FEWEST_STEPS, min(MOST_STEPS, _MOST_STEPS_IN_ALL // sum(count > 0 for count in counts)))


def _folded_steps(rows: list[Row], most: int) -> list[Row]:
    places = [place for place, row in enumerate(rows) if row.kind is RowKind.STEP]
    if len(places) <= most:
        return rows
    ends = most // _ENDS
    first, last = places[ends], places[-ends - 1]
    steps = [row for row in rows[first : last + 1] if row.kind is RowKind.STEP]
    others = [row for row in rows[first : last + 1] if row.kind is not RowKind.STEP]
    return [*rows[:first], _fold(steps, "steps"), *others, *rows[last + 1 :]]


def _folded_attempts(groups: list[list[Row]]) -> list[list[Row]]:
    places = [place for place, group in enumerate(groups) if group[0].attempt]
    if len(places) <= MOST_ATTEMPTS:
        return groups
    first, behind = places[_FIRST_ATTEMPTS], places[-_LAST_ATTEMPTS]
    hidden = [group[0] for group in groups[first:behind] if group[0].attempt]
    return [*groups[:first], [_fold(hidden, "attempts")], *groups[behind:]]


def _fold(rows: Sequence[Row], what: str) -> Row:
    start, end = min(row.start for row in rows), max(row.end for row in rows)
    busy = sum(row.seconds for row in rows)
    label = f"… {len(rows):,} {what} …"
    attempt = rows[0].attempt if what == "steps" else 0
    return Row(RowKind.FOLD, label, start, end, attempt=attempt, count=len(rows), busy_seconds=busy)
