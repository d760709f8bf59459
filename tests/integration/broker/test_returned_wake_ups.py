"""What no worker has room for comes back a few times and then waits, with every version of RabbitMQ."""

import asyncio
from typing import cast

import pytest
from tests.integration.broker.rig import Rig, connected

from coordination.holder.dispatcher import LockDispatcher, NoCapacityError
from coordination.ports import WakeUp
from worker.wake_ups import WakeUps


class FullDispatcher:
    """Never has room; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.has_seen_enough = asyncio.Event()

    async def answer(self, wake_up: WakeUp) -> None:
        self.asked += 1
        if self.asked == 25:
            self.has_seen_enough.set()
        raise NoCapacityError

    def is_serving(self, lock_name: str) -> bool:
        return False

    def is_watching(self, lock_name: str) -> bool:
        return False


async def test_a_wake_up_without_room_is_put_off_after_ten_returns(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, put_off = FullDispatcher(), []
    async with connected(rig.settings) as worker:
        defer = worker.notifier.defer

        async def noted(wake_up: WakeUp) -> None:
            put_off.append(full.asked)
            await defer(wake_up)

        monkeypatch.setattr(worker.notifier, "defer", noted)
        dispatcher = cast("LockDispatcher", full)
        WakeUps(
            worker.broker, worker.topology, worker.reader, dispatcher, worker.notifier, lambda answer: None
        )
        await worker.broker.start()
        await rig.notifier.notify(WakeUp("ledger"))
        async with asyncio.timeout(30):
            await full.has_seen_enough.wait()
    # Eleven deliveries each time: the copy that comes after the deferral is a new message.
    assert put_off == [11, 22]
