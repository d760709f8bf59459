"""How a run got the lock, from the run before: handed over, free in between, or taken over, and why."""

from dataclasses import replace

import pytest
from tests.unit.dashboard.runs import ago, lost, run

from coordination.observations import HandOverCause
from dashboard.obtaining import Gap, GapKind, Obtained, Way, gap_behind, obtained_by, seconds_between
from read_models.documents import LockRun


def obtained(earlier: LockRun | None, later: LockRun, *others: LockRun) -> Obtained | None:
    known = sorted([each for each in (earlier, later, *others) if each], key=lambda each: each.fence)
    return obtained_by(earlier, later, {each.job_id: each.fence for each in known})


def test_the_first_run_of_a_lock_got_it_as_its_first() -> None:
    assert obtained(None, run(1, 5)) == Obtained(Way.FIRST)


def test_how_a_later_run_got_it_is_not_known_without_the_run_before() -> None:
    assert obtained(None, run(7, 5)) is None


def test_one_transaction_that_ends_and_starts_hands_over_at_once_whatever_the_clocks_say() -> None:
    later = run(2, 4, begun_in="end-1", queued_at=ago(30))
    assert obtained(run(1, 9, 5), later) == Obtained(Way.CHAINED)


def test_a_job_that_waited_when_the_run_before_ended_was_handed_the_lock() -> None:
    later = run(2, 4, queued_at=ago(5), worker="worker-2", tenure="lease-2")
    assert obtained(run(1, 9, 5), later) == Obtained(Way.HANDED_OVER, 60)


def test_a_job_that_came_later_found_the_lock_free() -> None:
    assert obtained(run(1, 9, 5), run(2, 4, queued_at=ago(4.1))) == Obtained(Way.FREE, 60)


@pytest.mark.parametrize(
    ("earlier_lease", "later_lease", "way"),
    [("a", "a", Way.HANDED_OVER), ("a", "b", Way.FREE), (None, None, Way.FREE)],
)
def test_without_the_time_of_waiting_only_the_same_holding_counts_as_a_hand_over(
    earlier_lease: str | None, later_lease: str | None, way: Way
) -> None:
    found = obtained(run(1, 9, 5, tenure=earlier_lease), run(2, 4, tenure=later_lease))
    assert found == Obtained(way, 60)


def test_a_clock_that_went_back_makes_no_negative_time() -> None:
    assert obtained(run(1, 9, 4), run(2, 5, queued_at=ago(8))) == Obtained(Way.HANDED_OVER, 0)
    assert seconds_between(ago(1), ago(2)) == 0


@pytest.mark.parametrize(("earlier", "later"), [(run(1, 9), run(2, 4)), (run(1, 9, 5), run(2, None, 3))])
def test_a_missing_half_leaves_the_time_unknown(earlier: LockRun, later: LockRun) -> None:
    assert obtained(earlier, later) is None


def test_the_run_of_a_lost_worker_costs_the_time_since_its_last_event_at_most() -> None:
    earlier = lost(1, 20, 4, last_event=6)
    found = obtained(earlier, run(2, 4, job_id="job-1", worker="worker-2", queued_at=ago(4)))
    assert found == Obtained(Way.TAKEN_OVER, 120, HandOverCause.WORKER_LOST, is_at_most=True)


def test_a_lost_worker_that_wrote_nothing_known_was_last_seen_at_its_start() -> None:
    found = obtained(lost(1, 20, 4, last_event=None), run(2, 4, job_id="job-1"))
    assert found == Obtained(Way.TAKEN_OVER, 960, HandOverCause.WORKER_LOST, is_at_most=True)


@pytest.mark.parametrize(
    ("died", "cause"), [(True, HandOverCause.RUNNER_DIED), (False, HandOverCause.WORKER_STOPPED)]
)
def test_a_run_that_its_own_worker_ended_costs_the_time_from_then_on(
    died: bool, cause: HandOverCause
) -> None:
    earlier = lost(1, 20, 5, last_event=9, ended_by="worker-1", runner_died=died)
    assert obtained(earlier, run(2, 4, job_id="job-1")) == Obtained(Way.TAKEN_OVER, 60, cause)


def test_a_worker_that_took_over_from_itself_had_lost_its_lease() -> None:
    earlier = lost(1, 20, 4, last_event=6, ended_by="worker-1")
    found = obtained(earlier, run(2, 4, job_id="job-1", begun_in="end-1"))
    assert found == Obtained(Way.TAKEN_OVER, 120, HandOverCause.WORKER_LOST, is_at_most=True)


def test_another_job_that_waited_takes_over_as_well() -> None:
    found = obtained(lost(1, 20, 4, 6), run(2, 4, queued_at=ago(10)))
    assert found is not None
    assert found.way is Way.TAKEN_OVER


def test_a_more_urgent_job_that_came_later_takes_over_from_one_that_still_waited() -> None:
    earlier = lost(1, 20, 8, 9)
    urgent = run(2, 4, 3, queued_at=ago(5))
    found = obtained(earlier, urgent, run(3, 2, job_id="job-1"))
    assert found is not None
    assert found.way is Way.TAKEN_OVER


def test_a_job_that_came_after_one_that_was_cut_off_for_good_found_the_lock_free() -> None:
    found = obtained(lost(1, 20, 8, 9), run(3, 4, queued_at=ago(5)))
    assert found == Obtained(Way.FREE, 240)


def test_rows_of_an_earlier_version_tell_a_lost_worker_by_the_transaction() -> None:
    earlier = replace(lost(1, 20, 4, None), ended_by=None, runner_died=None)
    taken = obtained(earlier, run(2, 4, job_id="job-1", begun_in="end-1"))
    assert taken is not None
    assert taken.cause is HandOverCause.WORKER_LOST
    unknown = obtained(earlier, run(2, 4, job_id="job-1"))
    assert unknown == Obtained(Way.TAKEN_OVER, 0, None)


def test_fences_in_order_leave_no_gap() -> None:
    assert gap_behind(run(1, 9, 5), 2, is_recent=False) is None
    assert gap_behind(run(2, 9, 5), 2, is_recent=False) is None


@pytest.mark.parametrize(("is_recent", "kind"), [(True, GapKind.PENDING), (False, GapKind.MISSING)])
def test_a_fence_without_a_run_is_missing_unless_it_is_of_the_last_minute(
    is_recent: bool, kind: GapKind
) -> None:
    assert gap_behind(run(1, 9, 5), 5, is_recent=is_recent) == Gap(2, 4, kind)


def test_one_fence_behind_a_lost_worker_was_used_to_close_its_run() -> None:
    assert gap_behind(lost(1, 9, 5, 6), 3, is_recent=False) == Gap(2, 2, GapKind.CLOSING)
    assert gap_behind(lost(1, 9, 5, 6), 4, is_recent=False) == Gap(2, 3, GapKind.MISSING)


def test_a_fence_behind_a_run_that_its_own_worker_ended_is_missing() -> None:
    stopped = lost(1, 9, 5, 6, ended_by="worker-1")
    assert gap_behind(stopped, 3, is_recent=False) == Gap(2, 2, GapKind.MISSING)
