"""The picture of runs over time: what is in it, in which row, and with which signs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.statuses import EventStatus
from dashboard.charts import Bar, RunState, colours, drawn_states, runs_over_time, state_of
from dashboard.palette import DARK, LIGHT, palette
from dashboard.take_over_marks import TakeOverLine

NOW = datetime(2026, 11, 28, 14, 0, tzinfo=UTC)
PERIOD = (NOW - timedelta(hours=3), NOW)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def bar(begin: float, end: float, worker: str = "worker-1", state: RunState = RunState.COMPLETED) -> Bar:
    return Bar(worker, ago(begin), ago(end), state, "7", "Close of May")


def drawn(bars: list[Bar], take_overs: list[TakeOverLine] | None = None) -> list[dict[str, Any]]:
    layers: list[dict[str, Any]] = runs_over_time(bars, take_overs or [], PERIOD, LIGHT)["layer"]
    return layers


def values(layer: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = layer["data"]["values"]
    return found


def test_a_bar_stands_in_its_workers_row_from_its_begin_to_its_end() -> None:
    (value,) = values(drawn([bar(20, 10)])[0])
    assert value["worker"] == "worker-1"
    assert (value["from"], value["until"]) == (ago(20).timestamp() * 1000, ago(10).timestamp() * 1000)
    assert (value["fences"], value["title"], value["state"]) == ("7", "Close of May", "completed")


def test_rows_of_workers_are_in_the_order_of_their_numbers() -> None:
    layers = drawn([bar(3, 2, "worker-10"), bar(2, 1, "worker-9"), bar(5, 4, "batch")])
    assert layers[0]["encoding"]["y"]["scale"]["domain"] == ["batch", "worker-9", "worker-10"]


def test_bars_are_cut_off_at_the_ends_of_the_period_but_tell_their_own_times() -> None:
    (value,) = values(drawn([bar(200, -10)])[0])
    assert (value["from"], value["until"]) == tuple(moment.timestamp() * 1000 for moment in PERIOD)
    assert value["began"] == ago(200).timestamp() * 1000
    assert value["ended"] == ago(-10).timestamp() * 1000


@pytest.mark.parametrize(("begin", "end"), [(300, 181), (-1, -5)])
def test_bars_outside_the_period_are_left_out(begin: float, end: float) -> None:
    assert values(drawn([bar(begin, end)])[0]) == []


def test_an_end_before_the_begin_draws_no_bar_that_runs_backwards() -> None:
    (value,) = values(drawn([bar(10, 20)])[0])
    assert value["from"] == value["until"]


def test_runs_that_did_not_complete_have_a_sign_above_the_middle_of_what_is_shown() -> None:
    bars = [bar(190, 170, state=RunState.FAILED), bar(5, 0, state=RunState.RUNNING), bar(9, 6)]
    (value,) = values(drawn(bars)[2])
    assert value["state"] == "failed"
    assert value["middle"] == ago(175).timestamp() * 1000


@pytest.mark.parametrize("state", set(RunState) - {RunState.RUNNING, RunState.COMPLETED, RunState.UNKNOWN})
def test_every_state_that_needs_an_eye_has_a_shape(state: RunState) -> None:
    signs = drawn([bar(5, 4, state=state)])[2]
    assert values(signs)[0]["state"] in signs["encoding"]["shape"]["scale"]["domain"]


def test_a_take_over_is_a_dashed_line_between_two_rows_with_its_cost() -> None:
    line = TakeOverLine(ago(10), "worker-1", "worker-3", "worker lost, 17 s")
    _, _, dashes, heads, rim, name = drawn([bar(20, 10), bar(10, 0, "worker-3")], [line])
    assert dashes["mark"]["strokeDash"]
    assert [value["worker"] for value in values(dashes)] == ["worker-1", "worker-3"]
    assert values(heads)[0]["worker"] == "worker-3"
    assert values(name)[0]["text"] == values(rim)[0]["text"] == "worker lost, 17 s"
    assert name["mark"]["align"] == "right"


def test_a_name_near_the_left_edge_stands_right_of_its_line() -> None:
    line = TakeOverLine(ago(175), "worker-1", "worker-3", "runner died, 2 s")
    assert drawn([], [line])[-1]["mark"]["align"] == "left"


def test_only_the_latest_take_overs_are_named_but_all_are_drawn() -> None:
    lines = [
        TakeOverLine(ago(60 - number), "worker-1", f"worker-{number}", f"{number}") for number in range(30)
    ]
    layers = drawn([bar(60, 0)], lines)
    assert len(values(layers[3])) == 30
    assert [value["text"] for value in values(layers[-1])] == [f"{number}" for number in range(22, 30)]


def test_names_in_one_row_keep_their_distance() -> None:
    minutes = (130, 100, 95, 60, 50, 5)
    lines = [TakeOverLine(ago(each), "worker-1", "worker-2", f"{each}") for each in minutes]
    other = TakeOverLine(ago(6), "worker-1", "worker-3", "other")
    layers = drawn([], [*lines[:-1], other, lines[-1]])
    assert [value["text"] for value in values(layers[-1])] == ["95", "50", "other", "5"]
    assert len(values(layers[3])) == 7


def test_take_overs_outside_the_period_are_left_out() -> None:
    assert len(drawn([bar(5, 4)], [TakeOverLine(ago(200), "worker-1", "worker-2", "worker lost")])) == 2


def test_the_time_axis_is_as_long_as_the_period() -> None:
    edges = drawn([bar(5, 4)])[1]
    assert [value["at"] for value in values(edges)] == [moment.timestamp() * 1000 for moment in PERIOD]
    assert edges["mark"]["opacity"] == 0


def test_no_runs_make_an_empty_picture() -> None:
    chart = runs_over_time([], [], PERIOD, DARK)
    assert values(chart["layer"][0]) == []
    assert chart["height"] > 0


def test_the_legend_names_the_states_that_are_drawn_once_in_a_fixed_order() -> None:
    bars = [bar(5, 4, state=RunState.FAILED), bar(4, 3), bar(3, 2), bar(2, 0, state=RunState.RUNNING)]
    assert drawn_states(bars) == [RunState.RUNNING, RunState.COMPLETED, RunState.FAILED]


def test_an_outcome_is_the_state_of_its_name() -> None:
    assert state_of(EventStatus.TIMED_OUT, is_running=False) is RunState.TIMED_OUT
    assert state_of(EventStatus.STEP, is_running=False) is RunState.UNKNOWN
    assert state_of(None, is_running=True) is RunState.RUNNING
    assert state_of(None, is_running=False) is RunState.UNKNOWN


def test_each_theme_has_a_colour_for_every_state() -> None:
    assert palette("dark") is DARK
    assert palette("light") is palette(None) is LIGHT
    for theme in (LIGHT, DARK):
        assert colours(theme).keys() == set(RunState)
