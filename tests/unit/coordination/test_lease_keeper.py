"""The lease of one tenure: how long it is trusted, when it is renewed, how it ends."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from tests.unit.coordination.setting import TIMES, Setting

from contracts import lock_names
from coordination.holder.lease_keeper import LeaseKeeper
from coordination.observations import (
    LeaseAcquired,
    LeaseEnded,
    LeaseReleased,
    LeaseRenewed,
    RenewalFailed,
)
from coordination.outcomes import StopReason
from coordination.ports import LeaseHeldError, UnknownOutcomeError

PARTITION = lock_names.partition("L")


class Keeping(Setting):
    """One lease keeper, and why it said that its lease has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.began = self.clock.boot()
        self.ends: list[StopReason] = []
        self.keeper = self.make_keeper()

    def make_keeper(self) -> LeaseKeeper:
        observe, on_end = self.observed.append, self.ends.append
        return LeaseKeeper("L", PARTITION, self.leases, self.clock, TIMES, observe, on_end)

    async def acquire_and_keep(self) -> asyncio.Future[None]:
        await self.keeper.acquire()
        return asyncio.ensure_future(self.keeper.keep())

    @property
    def passed(self) -> float:
        """How long the world has existed."""
        return self.clock.boot() - self.began

    def sent(self, name: str) -> list[float]:
        """When calls of a name were sent, in seconds since the world began."""
        return [at - self.began for at in self.network.times(name)]


@pytest.fixture
async def world() -> AsyncIterator[Keeping]:
    made = Keeping()
    yield made
    await made.close()


@pytest.fixture
def shortest_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: low)


async def test_nothing_may_be_written_before_the_lease_is_acquired(world: Keeping) -> None:
    assert not world.keeper.may_write
    await world.keeper.acquire()
    assert world.keeper.may_write


async def test_the_deadlines_are_counted_from_before_the_acquire_was_sent(world: Keeping) -> None:
    world.network.before("leases.acquire", 1.0)
    world.network.after("leases.acquire", 0.25)
    acquiring = asyncio.ensure_future(world.keeper.acquire())
    await world.clock.advance(2)
    await acquiring
    assert world.keeper.soft_deadline == world.began + TIMES.soft
    assert world.keeper.hard_deadline == world.began + TIMES.hard
    assert world.seen(LeaseAcquired) == [LeaseAcquired("L", 1.25)]


async def test_after_lost_answers_the_deadlines_are_counted_from_the_try_that_was_answered(
    world: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.5)
    world.network.after("leases.acquire", UnknownOutcomeError(), UnknownOutcomeError())
    acquiring = asyncio.ensure_future(world.keeper.acquire())
    await world.clock.advance(2)
    await acquiring
    assert world.sent("leases.acquire") == [0, 0.5, 1.0]
    assert world.keeper.soft_deadline == world.began + 1.0 + TIMES.soft
    assert world.seen(LeaseAcquired) == [LeaseAcquired("L", 1.0)]


async def test_a_lease_is_asked_for_as_long_as_it_is_counted_on(world: Keeping) -> None:
    await world.keeper.acquire()
    await world.clock.advance(TIMES.duration - 0.1)
    assert world.leases.holder(PARTITION) == world.keeper.lease_id
    await world.clock.advance(0.1)
    assert world.leases.holder(PARTITION) is None


async def test_each_call_to_the_lease_store_gets_the_time_that_a_call_may_take(world: Keeping) -> None:
    keeping = await world.acquire_and_keep()
    await world.clock.advance(TIMES.renew_every)
    keeping.cancel()
    await world.keeper.release()
    assert [(call.name, call.timeout) for call in world.network.calls] == [
        ("leases.acquire", TIMES.call_timeout),
        ("leases.renew", TIMES.call_timeout),
        ("leases.release", TIMES.call_timeout),
    ]


async def test_a_lock_that_another_holds_is_left_as_it_is(world: Keeping) -> None:
    holder = world.make_keeper()
    await holder.acquire()
    with pytest.raises(LeaseHeldError):
        await world.keeper.acquire()
    assert world.leases.holder(PARTITION) == holder.lease_id
    assert not world.keeper.may_write
    assert world.seen(LeaseAcquired) == [LeaseAcquired("L", 0)]
    assert world.network.sent("leases.release") == []


async def test_a_silent_store_is_asked_for_a_lease_until_it_would_be_too_old_to_use_and_then_given_it_back(
    world: Keeping,
) -> None:
    """The last try may have been granted, and other workers must not wait for that lease to run out."""
    world.network.after("leases.acquire", *[UnknownOutcomeError()] * 1000)
    acquiring = asyncio.ensure_future(world.keeper.acquire())
    await world.clock.advance(TIMES.soft)
    with pytest.raises(UnknownOutcomeError):
        await acquiring
    assert TIMES.soft - 2 < world.sent("leases.acquire")[-1] < TIMES.soft
    assert len(world.network.sent("leases.release")) == 1
    assert world.leases.holder(PARTITION) is None
    assert not world.keeper.may_write
    assert world.seen(LeaseAcquired) == []


async def test_a_lease_is_renewed_each_time_so_long_after_the_last_request_was_sent(world: Keeping) -> None:
    world.network.after("leases.acquire", 1.0)
    world.network.after("leases.renew", 0.5, 1.0, 0.0)
    acquiring = asyncio.ensure_future(world.keeper.acquire())
    await world.clock.advance(1.0)
    await acquiring
    keeping = asyncio.ensure_future(world.keeper.keep())
    await world.clock.advance(3 * TIMES.renew_every)
    assert world.sent("leases.renew") == [TIMES.renew_every * number for number in (1, 2, 3)]
    assert world.keeper.soft_deadline == world.began + 3 * TIMES.renew_every + TIMES.soft
    assert world.keeper.hard_deadline == world.began + 3 * TIMES.renew_every + TIMES.hard
    keeping.cancel()


async def test_the_margin_of_a_renewal_is_what_was_left_when_its_answer_came(world: Keeping) -> None:
    world.network.after("leases.renew", 0.75, 0.0)
    keeping = await world.acquire_and_keep()
    await world.clock.advance(2 * TIMES.renew_every)
    renewed = TIMES.soft - TIMES.renew_every
    assert world.seen(LeaseRenewed) == [LeaseRenewed("L", renewed - 0.75), LeaseRenewed("L", renewed)]
    keeping.cancel()


@pytest.mark.parametrize("answer_after", [0.0, 0.25, 3.0])
async def test_a_renewal_that_is_answered_when_its_time_is_over_revives_nothing(
    world: Keeping, answer_after: float
) -> None:
    left = TIMES.soft - TIMES.renew_every
    world.network.after("leases.renew", left + answer_after)
    keeping = await world.acquire_and_keep()
    await world.clock.advance(TIMES.soft)
    assert not world.keeper.may_write
    await world.clock.advance(3.0)
    await keeping
    assert world.keeper.soft_deadline == world.began + TIMES.soft
    assert world.keeper.hard_deadline == world.began + TIMES.hard
    assert world.ends == [StopReason.DEADLINE]
    assert world.seen(LeaseRenewed) == []
    assert world.seen(LeaseEnded) == [LeaseEnded("L", "not renewed in time", is_lost=False)]
    assert not world.keeper.may_write


async def test_a_renewal_that_is_answered_just_in_time_counts(world: Keeping) -> None:
    world.network.after("leases.renew", TIMES.soft - TIMES.renew_every - 0.125, None)
    keeping = await world.acquire_and_keep()
    await world.clock.advance(TIMES.soft)
    assert world.seen(LeaseRenewed)[0] == LeaseRenewed("L", 0.125)
    assert world.keeper.may_write
    assert world.ends == []
    keeping.cancel()


@pytest.mark.usefixtures("shortest_pauses")
async def test_a_renewal_without_an_answer_is_tried_again_soon_until_the_deadline(world: Keeping) -> None:
    world.network.after("leases.renew", *[UnknownOutcomeError("no answer")] * 100)
    keeping = await world.acquire_and_keep()
    await world.clock.advance(TIMES.soft)
    await keeping
    sent = world.sent("leases.renew")
    assert sent[:3] == pytest.approx([TIMES.renew_every, TIMES.renew_every + 0.2, TIMES.renew_every + 0.4])
    assert TIMES.soft - 0.21 < sent[-1] < TIMES.soft
    assert world.seen(RenewalFailed) == [RenewalFailed("L", "no answer")] * len(sent)
    assert world.ends == [StopReason.DEADLINE]
    assert world.passed == TIMES.soft


async def test_renewals_are_tried_again_no_later_than_after_a_second(
    world: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    world.network.before("leases.renew", *[UnknownOutcomeError()] * 2)
    keeping = await world.acquire_and_keep()
    await world.clock.advance(TIMES.renew_every + 2)
    assert world.sent("leases.renew") == [TIMES.renew_every + number for number in range(3)]
    assert world.keeper.soft_deadline == world.began + TIMES.renew_every + 2 + TIMES.soft
    # From then on, it is renewed as before.
    await world.clock.advance(TIMES.renew_every - 0.1)
    assert len(world.sent("leases.renew")) == 3
    await world.clock.advance(0.1)
    assert len(world.sent("leases.renew")) == 4
    keeping.cancel()


@pytest.mark.usefixtures("shortest_pauses")
async def test_the_last_renewals_may_take_no_longer_than_the_time_that_is_left(world: Keeping) -> None:
    world.network.before("leases.renew", 4.5, UnknownOutcomeError())
    world.network.after("leases.renew", UnknownOutcomeError(), UnknownOutcomeError())
    keeping = await world.acquire_and_keep()
    await world.clock.advance(TIMES.soft)
    await keeping
    timeouts = [call.timeout for call in world.network.sent("leases.renew")]
    assert timeouts == pytest.approx([TIMES.call_timeout, 0.3, 0.1])


async def test_the_end_of_a_lease_is_noticed_at_its_deadline_whatever_pause_is_due(
    world: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: 100.0)
    world.network.before("leases.renew", UnknownOutcomeError())
    keeping = await world.acquire_and_keep()
    await world.clock.advance(TIMES.soft - 0.1)
    assert world.ends == []
    assert world.keeper.may_write
    await world.clock.advance(0.1)
    assert world.ends == [StopReason.DEADLINE]
    assert not world.keeper.may_write
    await keeping


async def test_a_lost_lease_is_told_once_with_the_reason_of_the_store(world: Keeping) -> None:
    keeping = await world.acquire_and_keep()
    await world.leases.release(PARTITION, world.keeper.lease_id, 1)
    await world.clock.advance(TIMES.renew_every)
    await keeping
    assert world.ends == [StopReason.LOST]
    assert world.seen(LeaseEnded) == [
        LeaseEnded("L", "The lease is not ours any more, for good.", is_lost=True)
    ]
    assert not world.keeper.may_write


async def test_nothing_may_be_written_from_the_soft_deadline_on(world: Keeping) -> None:
    await world.keeper.acquire()
    await world.clock.advance(TIMES.soft - 0.125)
    assert world.keeper.may_write
    await world.clock.advance(0.125)
    assert world.clock.boot() == world.keeper.soft_deadline
    assert not world.keeper.may_write


async def test_nothing_may_be_written_once_a_tenure_is_over_though_its_lease_is_held(world: Keeping) -> None:
    await world.keeper.acquire()
    world.keeper.end()
    assert not world.keeper.may_write
    assert world.leases.holder(PARTITION) == world.keeper.lease_id


async def test_nothing_may_be_written_while_the_lease_is_given_back(world: Keeping) -> None:
    await world.keeper.acquire()
    world.network.before("leases.release", 1.0)
    releasing = asyncio.ensure_future(world.keeper.release())
    await world.clock.advance(0.5)
    assert not world.keeper.may_write
    await world.clock.advance(0.5)
    await releasing
    assert world.seen(LeaseReleased) == [LeaseReleased("L")]


async def test_a_release_is_repeated_until_it_is_answered(world: Keeping) -> None:
    await world.keeper.acquire()
    world.network.before("leases.release", UnknownOutcomeError(), UnknownOutcomeError())
    releasing = asyncio.ensure_future(world.keeper.release())
    await world.clock.advance(1)
    await releasing
    assert len(world.network.sent("leases.release")) == 3
    assert world.leases.holder(PARTITION) is None
    assert world.seen(LeaseReleased) == [LeaseReleased("L")]


async def test_a_release_that_is_never_answered_is_repeated_until_the_lease_has_run_out(
    world: Keeping,
) -> None:
    await world.keeper.acquire()
    world.network.before("leases.release", *[UnknownOutcomeError()] * 1000)
    releasing = asyncio.ensure_future(world.keeper.release())
    await world.clock.advance(TIMES.duration - 2.1)
    assert not releasing.done()
    await world.clock.advance(2.1)
    await releasing
    assert TIMES.duration - 2.1 < world.sent("leases.release")[-1] < TIMES.duration
    assert world.seen(LeaseReleased) == []
