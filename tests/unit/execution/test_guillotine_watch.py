"""What happens when the guillotine cannot be started again."""

import os
import signal
from pathlib import Path

from tests.waiting import until

from worker.execution import guillotine_watch
from worker.execution.child import Child
from worker.execution.guillotine_watch import GuillotineWatch
from worker.execution.slots import Slots


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_guillotine_that_cannot_be_started_now_is_started_later(monkeypatch, caplog):
    monkeypatch.setattr(guillotine_watch, "_RESTART_SECONDS", 0.05)
    slots = Slots(1)
    watch = GuillotineWatch(slots, lambda: None)
    await watch.start(20)

    def refuse(*arguments, **more):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(guillotine_watch, "Child", refuse)
    os.kill(watch.pid, signal.SIGKILL)
    open_before = open_files()
    await until(lambda: caplog.messages.count("guillotine not started") >= 2)
    assert watch.is_failing
    assert open_files() <= open_before
    monkeypatch.setattr(guillotine_watch, "Child", Child)
    await until(lambda: watch.is_ready)
    assert not watch.is_failing
    await watch.stop()
    slots.close()
