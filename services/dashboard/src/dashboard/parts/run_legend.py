"""The legend of the picture of runs: colours and signs with their words."""

from collections.abc import Sequence

from dashboard.charts import SIGNS, RunState
from dashboard.parts.nodes import Node, node

_HUES = {
    RunState.RUNNING: "blue",
    RunState.COMPLETED: "soft",
    RunState.FAILED: "red",
    RunState.TIMED_OUT: "red",
    RunState.CANCELLED: "violet",
    RunState.INTERRUPTED: "orange",
    RunState.UNKNOWN: "gray",
    RunState.BROKEN: "red",
}


def run_legend(states: Sequence[RunState], *, has_take_overs: bool) -> Node:
    """Return the words of these states, and of a take-over."""
    items = [_item(_HUES[state], SIGNS.get(state), state.value) for state in states]
    if has_take_overs:
        items.append(_item("orange", "▶", "taken over"))
    return node("div.legend", *items)


def _item(hue: str, sign: str | None, word: str) -> Node:
    mark = node(f"span.swatch.{hue}") if sign is None else node(f"span.sign.{hue}", sign, aria_hidden="true")
    return node("span.nowrap", mark, f" {word}")
