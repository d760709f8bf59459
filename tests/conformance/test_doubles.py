"""What only the in-memory doubles can do: faults on demand, time on demand, and looking behind the scenes."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable

import pytest

from coordination.clock import SystemClock, VirtualClock
from coordination.ports import (
    Insert,
    LeaseHeldError,
    LeaseLostError,
    RefusedError,
    Registration,
    Row,
    Transaction,
    UnknownOutcomeError,
    Update,
    WakeUp,
)
from coordination.testing.faults import Calls
from coordination.testing.memory import (
    ArrivesLateError,
    InMemoryJournal,
    InMemoryLeases,
    InMemoryNotifier,
    InMemoryRegister,
)

INSERT = Transaction("op", [Insert("row", {"op_id": "op"})])


def at(moment: str, error: Callable[[], Exception]) -> Callable[[str, str], Awaitable[None]]:
    async def fault(when: str, _: str) -> None:
        if when == moment:
            raise error()

    return fault


async def test_a_fault_before_a_call_prevents_it() -> None:
    journal = InMemoryJournal(at("before", UnknownOutcomeError))
    with pytest.raises(UnknownOutcomeError):
        await journal.commit("p", INSERT, 1.0)
    assert journal.partitions == {}


async def test_a_fault_after_a_call_hides_its_answer() -> None:
    journal = InMemoryJournal(at("after", UnknownOutcomeError))
    with pytest.raises(UnknownOutcomeError):
        await journal.commit("p", INSERT, 1.0)
    assert set(journal.partitions["p"]) == {"row"}


async def test_a_fault_after_a_refusal_hides_that_too() -> None:
    journal = InMemoryJournal(at("after", UnknownOutcomeError))
    refused = Transaction("op", [Update("missing", {}, "etag")])
    with pytest.raises(UnknownOutcomeError):
        await journal.commit("p", refused, 1.0)


async def test_a_request_can_arrive_after_its_sender_gave_up() -> None:
    arrives = asyncio.Event()

    async def arrival() -> None:
        await arrives.wait()

    faults = [ArrivesLateError]

    async def fault(when: str, _: str) -> None:
        if when == "before" and faults:
            raise faults.pop()(arrival())

    journal = InMemoryJournal(fault)
    with pytest.raises(UnknownOutcomeError):
        await journal.commit("p", INSERT, 1.0)
    assert await journal.read("p", "row") is None
    arrives.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await journal.read("p", "row") is not None
    with pytest.raises(RefusedError):
        await journal.commit("p", INSERT, 1.0)


async def test_faults_see_every_call_by_name() -> None:
    seen: list[tuple[str, str]] = []

    async def fault(when: str, call: str) -> None:
        seen.append((when, call))

    leases = InMemoryLeases(VirtualClock(), fault)
    await leases.acquire("lock", 15, "mine", 1.0)
    with pytest.raises(LeaseHeldError):
        await leases.acquire("lock", 15, "theirs", 1.0)
    assert seen == [("before", "leases.acquire"), ("after", "leases.acquire")] * 2


async def test_a_lease_that_has_run_out_cannot_be_renewed() -> None:
    clock = VirtualClock()
    leases = InMemoryLeases(clock)
    await leases.acquire("lock", 15, "mine", 1.0)
    await clock.advance(15)
    with pytest.raises(LeaseLostError):
        await leases.renew("lock", "mine", 1.0)
    assert leases.holder("lock") is None


async def test_sleepers_wake_in_the_order_of_their_times() -> None:
    clock = VirtualClock()
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, *seconds: float) -> None:
        for each in seconds:
            await clock.sleep(each)
            woken.append((name, clock.boot() - start))

    start = clock.boot()
    tasks = [asyncio.ensure_future(sleeper("a", 3, 3)), asyncio.ensure_future(sleeper("b", 2, 2, 2))]
    await clock.advance(4)
    assert woken == [("b", 2), ("a", 3), ("b", 4)]
    assert await clock.advance_to_next()
    assert woken[3:] == [("a", 6)]
    assert await clock.advance_to_next()
    await asyncio.gather(*tasks)
    assert not await clock.advance_to_next()
    assert woken[3:] == [("a", 6), ("b", 6)]


async def test_wake_ups_and_events_are_kept_until_taken() -> None:
    notifier = InMemoryNotifier()
    await notifier.notify(WakeUp("one"))
    await notifier.notify(WakeUp("two"))
    await notifier.defer(WakeUp("three", is_deferred_copy=True))
    assert notifier.take_wake_ups() == [WakeUp("one"), WakeUp("two")]
    assert notifier.take_wake_ups() == []
    assert notifier.take_deferred() == [WakeUp("three", is_deferred_copy=True)]
    assert notifier.take_announcements() == []


async def test_a_lost_wake_up_is_lost_in_silence_and_a_lost_deferral_is_not() -> None:
    notifier = InMemoryNotifier(at("before", UnknownOutcomeError))
    await notifier.notify(WakeUp("one"))
    assert notifier.wake_ups == []
    with pytest.raises(UnknownOutcomeError):
        await notifier.defer(WakeUp("one"))


def test_the_machines_clock_counts_suspended_time_where_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    assert abs(SystemClock().boot() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 1
    monkeypatch.delattr(time, "CLOCK_BOOTTIME")
    assert abs(SystemClock().boot() - time.monotonic()) < 1


async def test_a_request_that_arrives_late_has_no_answer_like_any_other() -> None:
    async def arrival() -> None: ...

    arriving = arrival()
    assert str(ArrivesLateError(arriving)) == "No answer came, and the request is still on its way."
    await arriving


async def test_a_late_request_that_is_refused_is_refused_in_silence() -> None:
    arrives = asyncio.Event()

    async def arrival() -> None:
        await arrives.wait()

    faults = [ArrivesLateError]

    async def fault(when: str, _: str) -> None:
        if when == "before" and faults:
            raise faults.pop()(arrival())

    journal = InMemoryJournal(fault)
    with pytest.raises(UnknownOutcomeError):
        await journal.commit("p", INSERT, 1.0)
    await journal.commit("p", Transaction("other", [Insert("row", {"op_id": "other"})]), 1.0)
    before = await journal.read("p", "row")
    # Whatever is on its way is held on to, as the event loop does not.
    assert len(journal.calls.on_their_way) == 1
    problems: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, problem: problems.append(problem))
    arrives.set()
    await VirtualClock().settle()
    gc.collect()
    assert await journal.read("p", "row") == before
    assert not journal.calls.on_their_way
    assert problems == []


async def test_a_range_holds_rows_that_a_test_put_there_itself() -> None:
    journal = InMemoryJournal()
    await journal.commit("p", Transaction("op", [Insert("b", {}), Insert("c", {})]), 1.0)
    journal.partitions["p"]["a"] = Row("a", {}, "etag")
    assert [row.key for row in await journal.read_range("p", "")] == ["a", "b", "c"]
    del journal.partitions["p"]["b"]
    assert [row.key for row in await journal.read_range("p", "")] == ["a", "c"]
    assert await journal.read_range("q", "") == []


async def test_a_lease_is_held_until_exactly_its_time_is_over() -> None:
    clock = VirtualClock()
    leases = InMemoryLeases(clock)
    await leases.acquire("lock", 15, "mine", 1.0)
    await clock.advance(14.75)
    assert (leases.holder("lock"), await leases.is_free("lock", 1.0)) == ("mine", False)
    await leases.renew("lock", "mine", 1.0)
    await clock.advance(14.75)
    assert leases.holder("lock") == "mine"
    await clock.advance(0.25)
    assert (leases.holder("lock"), await leases.is_free("lock", 1.0)) == (None, True)


async def test_doubles_share_the_calls_that_a_test_puts_around_them() -> None:
    seen: list[str] = []

    async def fault(when: str, call: str) -> None:
        seen.append(call)

    calls = Calls(fault)
    clock = VirtualClock()
    leases, journal = InMemoryLeases(clock, calls), InMemoryJournal(calls)
    register, notifier = InMemoryRegister(calls), InMemoryNotifier(calls)
    await leases.acquire("lock", 15, "mine", 1.0)
    await leases.renew("lock", "mine", 1.0)
    await leases.is_free("lock", 1.0)
    await leases.release("lock", "mine", 1.0)
    await journal.commit("p", INSERT, 1.0)
    await journal.read("p", "row")
    await journal.read_range("p", "")
    await register.add(Registration("id", "L", "p", "hash", clock.now()))
    await register.find("id")
    assert len([job async for job in register.active(clock.now())]) == 1
    await register.retire("id")
    await notifier.notify(WakeUp("L"))
    await notifier.defer(WakeUp("L"))
    assert seen[::2] == [
        *("leases.acquire", "leases.renew", "leases.is_free", "leases.release"),
        *("journal.commit", "journal.read", "journal.read_range"),
        *("journal.register", "journal.find", "journal.active", "journal.retire"),
        *("notifier.notify", "notifier.defer"),
    ]


async def test_a_call_without_faults_lets_others_run_too() -> None:
    """Else a test would never see two callers in each other's way."""
    order: list[str] = []

    async def caller(name: str) -> None:
        order.append(f"{name} asks")
        await InMemoryJournal().read("p", "row")
        order.append(f"{name} knows")

    await asyncio.gather(caller("a"), caller("b"))
    assert order == ["a asks", "b asks", "a knows", "b knows"]
