"""How much may be sent, exactly."""

from worker.execution.rate_limit import RateLimit


def test_so_many_may_come_at_once_and_no_more(clock):
    allowed = RateLimit(rate=2, burst=3)
    assert [allowed.take() for _ in range(5)] == [True, True, True, False, False]


def test_so_many_a_second_come_back_and_never_more_than_at_once(clock):
    allowed = RateLimit(rate=2, burst=3)
    assert all(allowed.take() for _ in range(3))
    clock.now += 0.25
    assert not allowed.take()
    clock.now += 0.25
    assert allowed.take()
    assert not allowed.take()
    clock.now += 100
    assert [allowed.take() for _ in range(4)] == [True, True, True, False]


def test_what_was_not_allowed_is_counted_until_it_is_asked_for(clock):
    allowed = RateLimit(rate=1, burst=1)
    assert allowed.take_refused() == 0
    assert [allowed.take() for _ in range(3)] == [True, False, False]
    assert allowed.take_refused() == 2
    assert allowed.take_refused() == 0
    assert not allowed.take()
    assert allowed.take_refused() == 1
