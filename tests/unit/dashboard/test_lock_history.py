"""What the runs of a lock say about a period: use, hand-overs, take-overs, waiting, gaps and overlaps."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.dashboard.runs import NOW, PERIOD, ago, lost, run

from dashboard.board.statistics import quantile
from dashboard.lock_history import Entry, history, holdings
from dashboard.obtaining import Gap, GapKind, Way
from read_models.documents import LockRun


def fences(rows: object) -> list[object]:
    assert isinstance(rows, tuple)
    return [row.run.fence if isinstance(row, Entry) else (row.first, row.last) for row in rows]


def test_without_runs_nothing_is_said() -> None:
    found = history([], PERIOD, last_fence=0)
    assert (found.rows, found.use, found.take_overs, found.workers) == ((), 0, (), 0)
    assert (found.hand_overs, found.waits, found.overlaps, found.missing) == ([], [], [], [])
    assert quantile(found.hand_overs, 0.5) is None


def test_a_run_that_took_over_in_one_transaction_did_not_wait() -> None:
    found = history(
        [run(1, 90, 45, queued_at=ago(91)), run(2, 45, 40, queued_at=ago(45), attempt=2)],
        PERIOD,
        last_fence=2,
    )
    assert found.waits == [60]


def test_one_run_alone() -> None:
    found = history([run(1, 90, 45, queued_at=ago(91))], PERIOD, last_fence=1)
    assert fences(found.rows) == [1]
    assert found.use == pytest.approx(0.25)
    assert found.waits == [60]
    assert found.entries[0].obtained.way is Way.FIRST


def test_runs_are_newest_first_however_they_came() -> None:
    runs = [run(2, 6, 5), run(3, 4, 3), run(1, 9, 8)]
    assert fences(history(runs, PERIOD, last_fence=3).rows) == [3, 2, 1]


def test_the_run_before_the_period_tells_how_the_first_one_got_the_lock_but_is_not_part_of_it() -> None:
    runs = [run(6, 300, 240), run(7, 100, 90, queued_at=ago(101))]
    found = history(runs, PERIOD, last_fence=7)
    assert fences(found.rows) == [7]
    assert found.entries[0].obtained.way is Way.FREE


def test_a_run_counts_only_as_far_as_it_lies_in_the_period() -> None:
    assert history([run(1, 360, 90)], PERIOD).use == pytest.approx(0.5)


def test_a_run_in_progress_has_the_lock_until_now() -> None:
    found = history([run(5, 45)], PERIOD, last_fence=5, running_fence=5)
    assert found.use == pytest.approx(0.25)
    assert found.entries[0].is_running


def test_a_run_in_progress_belongs_to_the_period_even_when_it_began_before() -> None:
    found = history([run(5, 600)], PERIOD, last_fence=5, running_fence=5)
    assert found.use == 1
    assert fences(found.rows) == [5]


def test_a_run_whose_end_is_not_known_is_not_counted_as_use() -> None:
    found = history([run(5, 45), run(6, 30, 21)], PERIOD, last_fence=6)
    assert found.use == pytest.approx(0.05)
    assert fences(found.rows) == [6, 5]


def test_a_run_whose_start_is_not_known_is_listed_but_not_counted() -> None:
    found = history([run(5, None, 20)], PERIOD, last_fence=5)
    assert fences(found.rows) == [5]
    assert (found.use, found.waits) == (0, [])


def test_a_run_of_which_no_time_is_known_is_left_out() -> None:
    assert history([run(5, None)], PERIOD, last_fence=5).rows == ()


def test_time_that_two_runs_claim_counts_once() -> None:
    found = history([run(1, 90, 45), run(2, 60, 45, overlap="x")], PERIOD, last_fence=2)
    assert found.use == pytest.approx(0.25)
    assert [each.fence for each in found.overlaps] == [2]


def test_a_clock_that_ran_backwards_makes_no_negative_use() -> None:
    found = history([run(1, 30, 60), run(2, 90, 45)], PERIOD, last_fence=2)
    assert found.use == pytest.approx(0.25)


def test_hand_overs_are_sorted_and_leave_out_free_time_and_take_overs() -> None:
    runs = [
        run(1, 60, 50),
        run(2, 49, 40, queued_at=ago(55)),
        run(3, 40, 30, queued_at=ago(55), begun_in="end-2"),
        run(4, 20, 10, queued_at=ago(21)),
        lost(5, 9.5, 5, 6, queued_at=ago(12)),
        run(6, 5, 4, job_id="job-5", worker="worker-2"),
    ]
    found = history(runs, PERIOD, last_fence=6)
    assert found.hand_overs == [0, 30, 60]
    assert quantile(found.hand_overs, 0.5) == 30
    assert quantile(found.hand_overs, 0.95) == 60


def test_take_overs_are_newest_first_with_what_they_cost_together() -> None:
    runs = [
        lost(1, 60, 50, 51),
        run(2, 50, 40, job_id="job-1", worker="worker-2"),
        lost(3, 40, 30, 31, ended_by="worker-1", runner_died=True),
        run(4, 29, 20, job_id="job-3", worker="worker-3"),
    ]
    found = history(runs, PERIOD, last_fence=4)
    pairs = [(each.cut_off.fence, each.following.fence) for each in found.take_overs]
    assert pairs == [(3, 4), (1, 2)]
    assert found.seconds_lost == 120
    assert found.workers == 3


def test_fences_without_a_run_are_rows_of_their_own() -> None:
    found = history([run(1, 90, 80), run(4, 70, 60)], PERIOD, last_fence=4)
    assert fences(found.rows) == [4, (2, 3), 1]
    assert found.missing == [Gap(2, 3, GapKind.MISSING)]
    assert found.entries[0].obtained is None


def test_fences_of_the_last_minute_may_not_be_projected_yet() -> None:
    found = history([run(1, 90, 80), run(3, 0.5)], PERIOD, last_fence=3, running_fence=3)
    assert found.missing == []
    assert found.rows[1] == Gap(2, 2, GapKind.PENDING)


def test_fences_above_the_last_known_run_are_not_projected_yet() -> None:
    found = history([run(1, 90, 80)], PERIOD, last_fence=3)
    assert found.rows[0] == Gap(2, 3, GapKind.PENDING)


def test_a_fence_that_only_closed_a_lost_run_does_not_hide_the_run_before() -> None:
    cut_off = lost(1, 60, 50, 51)
    found = history([cut_off, run(3, 45, 40, job_id="job-1", queued_at=ago(50))], PERIOD, last_fence=3)
    assert found.rows[1] == Gap(2, 2, GapKind.CLOSING)
    assert found.take_overs[0].cut_off == cut_off
    assert found.missing == []


def test_the_runs_of_one_holding_are_one_bar() -> None:
    runs = [
        run(1, 60, 50),
        run(2, 50, 40),
        run(3, 40, 30, tenure="lease-2", worker="worker-2"),
        run(4, 30, 20, tenure=None),
        run(5, 20, 10, tenure=None),
        run(6, 5, tenure="lease-6"),
    ]
    found = holdings(history(runs, PERIOD, last_fence=6, running_fence=6).entries, NOW)
    assert [(each.worker, [one.fence for one in each.runs]) for each in found] == [
        ("worker-1", [1, 2]),
        ("worker-2", [3]),
        ("worker-1", [4]),
        ("worker-1", [5]),
        ("worker-1", [6]),
    ]
    assert (found[0].began_at, found[0].ended_at) == (ago(60), ago(40))
    assert found[-1].ended_at == NOW


minutes = st.none() | st.floats(-10, 400)


@given(
    runs=st.lists(
        st.builds(
            run, st.integers(1, 9), minutes, minutes, outcome=st.sampled_from(["Completed", "Interrupted"])
        ),
        unique_by=lambda each: each.fence,
    ),
    running=st.none() | st.integers(1, 9),
)
def test_any_runs_make_a_sound_history(runs: list[LockRun], running: int | None) -> None:
    found = history(runs, PERIOD, last_fence=9, running_fence=running)
    assert 0 <= found.use <= 1
    assert all(seconds >= 0 for seconds in [*found.hand_overs, *found.waits, found.seconds_lost])
    shown = [entry.run.fence for entry in found.entries]
    assert shown == sorted(set(shown), reverse=True)
    for holding in holdings(found.entries, NOW):
        assert holding.began_at <= holding.ended_at


def test_an_empty_period_has_no_use() -> None:
    assert history([run(1, 1)], (NOW, NOW), running_fence=1).use == 0
    assert history([run(1, 1)], (NOW, NOW - timedelta(1)), running_fence=1).use == 0
