"""What a lock's page says of a period."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from tests.unit.dashboard.runs import NOW, ago, lost, run
from tests.unit.dashboard.shown import text

from coordination.journal.rows import LockRow
from dashboard import lock_chart
from dashboard.board.snapshot import LockState
from dashboard.lock_past import DEFAULT_PERIOD, PERIODS, past_of, period_start
from dashboard.palette import DARK, LIGHT
from dashboard.parts.runs_table import runs_table
from dashboard.reading.lock import LockView
from dashboard.reading.lock_runs import SlotRuns
from read_models.documents import LockRun

RUNS = [lost(1, 60, 50, 51), run(2, 50, 40, job_id="job-1", worker="worker-2")]


def view(runs: Sequence[LockRun] = RUNS, read_from: datetime | None = None, *more: SlotRuns) -> LockView:
    slots = [SlotRuns(0, runs, len(runs), None, read_from), *more]
    return LockView(LockState("ledger", LockRow("ledger", fence=2)), slots, ago(60), (), 1)


VIEW = view()


def test_the_default_period_is_one_of_them() -> None:
    assert DEFAULT_PERIOD in PERIODS
    assert period_start("24h", NOW) == NOW - timedelta(hours=24)


def test_a_period_has_facts_a_picture_and_words() -> None:
    past = past_of(VIEW, "3h", NOW, "light")
    assert (past.label, len(past.history.entries)) == ("3 h", 2)
    assert text(past.title) == "Runs by worker"
    assert past.alternative("ledger") == (
        "Runs under the lock ledger by worker, 3 h: 2 runs, 1 take-over. The table has the same."
    )
    assert text(past.legend) == "completed ▲ interrupted ▶ taken over"
    assert past.chart["config"]["axis"]["labelColor"] == LIGHT.muted


def test_the_picture_has_the_colours_of_the_theme() -> None:
    assert past_of(VIEW, "3h", NOW, "dark").chart["config"]["axis"]["labelColor"] == DARK.muted


def test_a_period_leaves_out_what_was_before() -> None:
    past = past_of(VIEW, "1h", NOW - timedelta(minutes=-15), None)
    assert [entry.run.fence for entry in past.history.entries] == [2]


def test_a_period_that_is_not_known_in_full_begins_where_it_is_known() -> None:
    past = past_of(view(read_from=ago(60)), "7d", NOW, None)
    assert (past.label, past.history.period[0]) == ("latest 2", ago(60))
    whole = past_of(view(read_from=NOW - timedelta(days=8)), "7d", NOW, None)
    assert (whole.label, whole.history.period[0]) == ("7 d", NOW - timedelta(days=7))


def test_many_runs_are_drawn_by_holding_and_the_title_says_so() -> None:
    runs = [
        run(fence, 100 - fence / 100, 99.995 - fence / 100) for fence in range(1, lock_chart.MOST_BARS + 2)
    ]
    past = past_of(view(runs), "3h", NOW, None)
    assert text(past.title) == "Holdings by worker 2,001 runs: each bar is one unbroken holding"
    assert len(past.chart["layer"][0]["data"]["values"]) == 1


def test_slots_are_told_apart_and_may_have_the_same_fences() -> None:
    others = [run(1, 58, 45, slot=1), run(2, 44, None, slot=1, job_id="job-9")]
    past = past_of(view(RUNS, None, SlotRuns(1, others, 2, 2, None)), "3h", NOW, None)
    assert text(past.title) == "Runs by worker and slot"
    rows = [(entry.slot, entry.run.fence) for entry in past.history.entries]
    assert rows == [(1, 2), (0, 2), (1, 1), (0, 1)]
    assert past.history.missing == []
    assert [(each.cut_off.fence, each.following.fence) for each in past.history.take_overs] == [(1, 2)]
    bars = past.chart["layer"][0]["data"]["values"]
    assert {bar["worker"] for bar in bars} == {
        "worker-1 · slot 0",
        "worker-2 · slot 0",
        "worker-1 · slot 1",
    }
    assert past.history.use == pytest.approx(1 / 3)
    told = text(runs_table(past.history.rows, "ledger", has_slots=past.has_slots))
    assert "slot 1" in told
    assert "slot" not in text(runs_table(past_of(VIEW, "3h", NOW, None).history.rows, "ledger"))


def test_a_fence_that_is_missing_in_one_slot_is_missing() -> None:
    others = [run(1, 58, 45, slot=1), run(3, 30, 20, slot=1)]
    past = past_of(view(RUNS, None, SlotRuns(1, others, 3, None, None)), "3h", NOW, None)
    assert [(gap.slot, gap.first, gap.last) for gap in past.history.missing] == [(1, 2, 2)]
