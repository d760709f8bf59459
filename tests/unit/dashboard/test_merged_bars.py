"""Bars that are nearer to each other than pixels are drawn as one; others are not."""

from datetime import timedelta

import pytest
from tests.unit.dashboard.runs import NOW

from dashboard.charts import RunState
from dashboard.merged_bars import PARTS, RunsBar, merged

PERIOD = (NOW - timedelta(seconds=PARTS), NOW)


def bar(
    fence: int, begin: float, length: float = 0.4, state: RunState = RunState.COMPLETED, worker: str = "w1"
) -> RunsBar:
    """Return a run that began so many pixels after the begin of the picture."""
    began = PERIOD[0] + timedelta(seconds=begin)
    return RunsBar(
        worker, began, began + timedelta(seconds=length), state, fence, fence, title=f"job {fence}"
    )


def drawn(*bars: RunsBar) -> list[tuple[str, str]]:
    return [(each.fences, each.title) for each in merged(bars, PERIOD)]


def test_short_runs_that_touch_are_one_bar_from_the_first_to_the_last() -> None:
    (found,) = merged([bar(7, 10), bar(8, 10.5), bar(9, 11)], PERIOD)
    assert (found.fences, found.title, found.state) == ("7 to 9", "3 runs", RunState.COMPLETED)
    assert found.began_at == bar(7, 10).began_at
    assert found.ended_at == bar(9, 11).ended_at


def test_what_can_be_told_apart_is() -> None:
    apart = [bar(1, 10), bar(2, 11.5)]
    long = [bar(3, 20, 5), bar(4, 25, 5), bar(5, 30.1)]
    assert drawn(*apart, *long) == [(str(fence), f"job {fence}") for fence in range(1, 6)]


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.BROKEN])
def test_what_needs_an_eye_is_drawn_by_itself(state: RunState) -> None:
    assert len(drawn(bar(1, 10, state=state), bar(2, 10.5, state=state))) == 2


def test_other_workers_and_other_ends_are_bars_of_their_own() -> None:
    failed, other = bar(2, 10.5, state=RunState.FAILED), bar(3, 11, worker="w2")
    assert drawn(bar(1, 10), failed, other, bar(4, 11.3)) == [
        ("1 to 4", "2 runs"), ("2", "job 2"), ("3", "job 3")
    ]  # fmt: skip


def test_a_picture_has_no_more_bars_than_pixels_however_many_runs_there_are() -> None:
    many = [bar(fence, fence * PARTS / 20_000, 0.01) for fence in range(1, 20_000)]
    assert len(merged(many, PERIOD)) == 1
    spread = [bar(fence, fence * 1.5, 0.4) for fence in range(1, PARTS)]
    assert len(merged(spread, PERIOD)) < PARTS
