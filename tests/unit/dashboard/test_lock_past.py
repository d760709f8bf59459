"""What a lock's page says of a period."""

from dataclasses import replace
from datetime import timedelta

from tests.unit.dashboard.runs import NOW, ago, lost, run
from tests.unit.dashboard.shown import text

from coordination.journal.rows import LockRow
from dashboard import lock_chart
from dashboard.board.snapshot import LockState
from dashboard.lock_past import DEFAULT_PERIOD, PERIODS, past_of, period_start
from dashboard.palette import DARK, LIGHT
from dashboard.reading.lock import LockView

VIEW = LockView(
    LockState("ledger", LockRow("ledger", fence=2)),
    [lost(1, 60, 50, 51), run(2, 50, 40, job_id="job-1", worker="worker-2")],
    None,
    ago(60),
    1,
)


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
    past = past_of(replace(VIEW, read_from=ago(60)), "7d", NOW, None)
    assert (past.label, past.history.period[0]) == ("latest 2", ago(60))
    whole = past_of(replace(VIEW, read_from=NOW - timedelta(days=8)), "7d", NOW, None)
    assert (whole.label, whole.history.period[0]) == ("7 d", NOW - timedelta(days=7))


def test_many_runs_are_drawn_by_holding_and_the_title_says_so() -> None:
    runs = [
        run(fence, 100 - fence / 100, 99.995 - fence / 100) for fence in range(1, lock_chart.MOST_BARS + 2)
    ]
    past = past_of(replace(VIEW, runs=runs), "3h", NOW, None)
    assert text(past.title) == "Holdings by worker 2,001 runs: each bar is one unbroken holding"
    assert len(past.chart["layer"][0]["data"]["values"]) == 1
