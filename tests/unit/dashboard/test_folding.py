"""What a long timeline leaves out."""

import pytest
from tests.unit.dashboard.trails import SUBMITTED, at, started, steps, trail

from dashboard.folding import folded
from dashboard.timeline import RowKind
from dashboard.waterfall import waterfall


@pytest.mark.parametrize("count", [0, 1, 59, 60])
def test_up_to_sixty_steps_are_shown_one_by_one(count: int) -> None:
    whole = waterfall(trail(SUBMITTED, started(1, 1, 7, "a"), *steps(count)), at(2000))
    assert folded(whole) == whole


def test_of_more_steps_the_first_and_the_last_twenty_stay() -> None:
    events = trail(SUBMITTED, started(1, 1, 7, "a"), *steps(980, each=2.5))
    found = folded(waterfall(events, at(5000), step="step 981")).rows
    labels = [row.label for row in found]
    assert labels[:4] == ["In line", "Attempt 1", "step 1", "step 2"]
    assert labels[21:24] == ["step 20", "… 940 steps …", "step 961"]
    assert labels[-2:] == ["step 980", "step 981"]
    fold = found[22]
    assert (fold.kind, fold.count, fold.busy_seconds) == (RowKind.FOLD, 940, 940 * 2.5)
    assert (fold.start, fold.end) == (at(1 + 20 * 2.5), at(1 + 960 * 2.5))


def test_what_callers_did_among_folded_steps_stays() -> None:
    many = list(steps(100))
    asked = (50.5, "CancelRequested", {"message": "…", "actor": "jonas", "worker": None})
    events = trail(SUBMITTED, started(1, 1, 7, "a"), *many[:50], asked, *many[50:])
    assert "cancel requested" in [row.label for row in folded(waterfall(events, at(300))).rows]


def test_of_many_attempts_with_many_steps_each_shows_fewer() -> None:
    entries = [SUBMITTED]
    for number in range(1, 11):
        entries.append(started(number * 100, number, number, "a"))
        entries += steps(50, start=number * 100)
        entries.append((number * 100 + 99, "Interrupted", {"message": "worker a is stopping"}))
    found = folded(waterfall(trail(*entries), at(5000))).rows
    shown = [row for row in found if row.kind is RowKind.STEP]
    folds = [row.count for row in found if row.kind is RowKind.FOLD]
    assert (len(shown), folds) == (80, [42] * 10)


def test_of_many_attempts_the_first_and_the_last_stay() -> None:
    entries = [SUBMITTED]
    for number in range(1, 41):
        entries.append(started(number * 10, number, number, "a"))
        entries.append((number * 10 + 4, "Interrupted", {"message": "worker a is stopping"}))
    found = folded(waterfall(trail(*entries), at(1000))).rows
    attempts = [row.label for row in found if row.kind is RowKind.ATTEMPT]
    assert attempts == [f"Attempt {number}" for number in (1, 2, 3, *range(31, 41))]
    fold = next(row for row in found if row.kind is RowKind.FOLD)
    assert (fold.label, fold.count, fold.busy_seconds) == ("… 27 attempts …", 27, 27 * 4)
    assert (fold.start, fold.end) == (at(40), at(304))
