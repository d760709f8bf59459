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


def test_times_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="soft < hard < duration"):
        LeaseTimes(duration=30, renew_every=7, call_timeout=2, soft=25, hard=20)
