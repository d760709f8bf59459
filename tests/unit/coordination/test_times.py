"""The times of a lease."""

import pytest

from coordination.times import LeaseTimes


@pytest.mark.parametrize(
    ("duration", "renew_every", "call_timeout", "soft", "hard"),
    [(15, 4, 1.5, 9, 12), (30, 7, 2, 20, 25), (60, 10, 3, 40, 50)],
)
def test_the_tried_times(
    duration: float, renew_every: float, call_timeout: float, soft: float, hard: float
) -> None:
    times = LeaseTimes.of(duration)
    assert (times.renew_every, times.call_timeout, times.soft, times.hard) == (
        renew_every,
        call_timeout,
        soft,
        hard,
    )


@pytest.mark.parametrize("duration", range(15, 61))
def test_a_run_is_stopped_and_killed_before_its_lease_can_run_out(duration: int) -> None:
    times = LeaseTimes.of(duration)
    assert times.renew_every + 2 * times.call_timeout < times.soft
    assert times.soft < times.hard < times.duration


@pytest.mark.parametrize("duration", [0, 14.9, 60.1, -1])
def test_other_durations_are_refused(duration: float) -> None:
    with pytest.raises(ValueError, match="between 15 and 60"):
        LeaseTimes.of(duration)


@pytest.mark.parametrize("duration", [14.9, 60.1])
def test_other_durations_are_refused_also_with_times_of_their_own(duration: float) -> None:
    with pytest.raises(ValueError, match="between 15 and 60"):
        LeaseTimes(duration, renew_every=4, call_timeout=1, soft=8, hard=12)


@pytest.mark.parametrize(
    ("duration", "renew_every", "call_timeout", "soft", "hard"),
    [(22.5, 5.5, 1.75, 14.5, 18.5), (45, 8.5, 2.5, 30, 37.5), (52.5, 9.25, 2.75, 35, 43.75)],
)
def test_times_of_other_durations_lie_between_the_tried_ones(
    duration: float, renew_every: float, call_timeout: float, soft: float, hard: float
) -> None:
    assert LeaseTimes.of(duration) == LeaseTimes(duration, renew_every, call_timeout, soft, hard)


def test_a_journal_may_be_silent_for_twenty_seconds() -> None:
    assert LeaseTimes.of(60).journal_deadline == 20


IN_ORDER = {"duration": 30.0, "renew_every": 7.0, "call_timeout": 2.0, "soft": 20.0, "hard": 25.0}


@pytest.mark.parametrize(
    "wrong",
    [
        {"soft": 25.0},
        {"soft": 26.0},
        {"hard": 30.0},
        {"hard": 31.0},
        {"renew_every": 18.0},
        {"call_timeout": 13.0},
        {"renew_every": -2.0},
        {"renew_every": -3.0},
    ],
)
def test_times_out_of_order_are_refused(wrong: dict[str, float]) -> None:
    LeaseTimes(**IN_ORDER)
    with pytest.raises(ValueError, match="soft < hard < duration"):
        LeaseTimes(**IN_ORDER | wrong)


def test_times_that_are_just_in_order_are_taken() -> None:
    LeaseTimes(duration=30, renew_every=17.5, call_timeout=2, soft=20, hard=29.5)
    LeaseTimes(duration=15, renew_every=0.25, call_timeout=0.25, soft=1, hard=14)
