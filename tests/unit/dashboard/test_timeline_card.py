"""The timeline as it is drawn."""

from datetime import timedelta

import pytest
from tests.unit.dashboard.shown import attribute, find, joined
from tests.unit.dashboard.test_waterfall import CLOSE_OF_MAY
from tests.unit.dashboard.trails import START, SUBMITTED, at, started, steps, trail

from dashboard.folding import folded
from dashboard.job_page.scale import Scale
from dashboard.job_page.timeline import timeline_card
from dashboard.waterfall import waterfall


def lines(tree: object) -> list[tuple[str, str]]:
    return [
        (joined(row[2]), "".join(joined(word) for word in find(row, "span.word")))
        for row in find(tree, "div.row")[1:]
    ]


def test_every_row_has_a_label_and_says_what_it_means() -> None:
    card = timeline_card(waterfall(CLOSE_OF_MAY, at(1000), step="book", lease_seconds=30))
    assert lines(card) == [
        ("In line", "22 s"),
        ("Attempt 1 · worker-1", "fence 1,041 · 6 min 36 s, cut off"),
        ("collect", "50 s"),
        ("check-balances", "1 min 58 s"),
        ("not recorded", "3 min 48 s, cut off: worker worker-1 was lost"),
        ("No holder", "30 s until worker-3 took over"),
        ("Attempt 2 · worker-3", "fence 1,042 · running"),
        ("2 steps", "kept, not run again"),
        ("book", "running"),
    ]
    row = find(card, "div.row")[2]
    assert attribute(row, "aria-label") == (
        "Attempt 1 on worker-1, 22 s after the submission: fence 1,041 · 6 min 36 s, cut off"
    )
    assert attribute(row, "tabindex") == 0


def test_bars_look_as_what_they_show() -> None:
    card = timeline_card(waterfall(CLOSE_OF_MAY, at(1000), step="book"))
    looks = [str(bar[0]).removeprefix("span.bar.") for bar in find(card, "span.bar")]
    assert looks == ["line", "thin", "done", "done", "cut", "none", "thin", "now"]
    assert len(find(card, "span.kept")) == 2, "one in the legend"
    legend = joined(find(card, "div.legend")[0])
    for word in ("in line", "step", "running", "cut off", "no holder", "kept, not run again"):
        assert word in legend
    assert "failed" not in legend


@pytest.mark.parametrize(
    ("end", "look"), [("Completed", "done"), ("Failed", "failed"), ("Cancelled", "cancelled"), (None, "now")]
)
def test_an_attempt_without_steps_is_drawn_as_its_work(end: str | None, look: str) -> None:
    entries = [SUBMITTED, started(2, 1, 7, "a"), *([(8, end, {"message": "why"})] if end else [])]
    card = timeline_card(waterfall(trail(*entries), at(20)))
    assert str(find(card, "span.bar")[1][0]) == f"span.bar.{look}"


def test_no_bar_leaves_the_picture() -> None:
    entries = [SUBMITTED, started(-30, 1, 7, "a"), *steps(200, -29), (-900, "Failed", {"message": "x" * 900})]
    card = timeline_card(folded(waterfall(trail(*entries), at(20))))
    for bar in find(card, "span.bar"):
        assert 0 <= attribute(bar, "l") <= 100
        assert 0 <= attribute(bar, "w") <= 100.001 - attribute(bar, "l")
    assert "The clocks of the machines differ by" in joined(card)


def test_nothing_is_no_card() -> None:
    assert timeline_card(waterfall([], START)) is None


@pytest.mark.parametrize("seconds", [0, 0.0004, 0.2, 3, 9.9, 10, 59, 600, 86_400, 86_400 * 400])
def test_every_length_has_a_few_ticks_within_it(seconds: float) -> None:
    scale = Scale.over(START, START + timedelta(seconds=seconds))
    places = [place for place, _ in scale.ticks()]
    assert 1 <= len(places) <= 15
    assert all(0 <= place <= 100 for place in places)
    assert places == sorted(places)


def test_text_stands_where_there_is_room() -> None:
    entries = [SUBMITTED, started(0, 1, 7, "a"), (2, "Step", {"message": "early", "seconds": 2})]
    entries += [
        (100, "Step", {"message": "long", "seconds": 98}),
        (101, "Step", {"message": "late", "seconds": 1}),
    ]
    card = timeline_card(waterfall(trail(*entries, (101, "Completed", {"message": ""})), at(101)))
    places = {joined(row[2]): str(find(row, "span.word")[0][0]) for row in find(card, "div.row")[1:]}
    assert (places["early"], places["long"], places["late"]) == (
        "span.word",
        "span.word.in",
        "span.word.before",
    )
