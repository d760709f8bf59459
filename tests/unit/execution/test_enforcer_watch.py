"""A deadline enforcer that is ready, kills, is in trouble, dies, and cannot be started again."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from tests.waiting import until

from contracts.telemetry import attributes as at
from worker.execution import enforcer_watch
from worker.execution.child import Child
from worker.execution.deadline_table import DeadlineTable
from worker.execution.enforcer_watch import EnforcerWatch
from worker.execution.errors import EnforcerStartError


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_deadline_enforcer_that_cannot_be_started_now_is_started_later(monkeypatch, caplog):
    monkeypatch.setattr(enforcer_watch, "_RESTART_SECONDS", 0.05)
    table = DeadlineTable(1)
    watch = EnforcerWatch(table, lambda: None)
    await watch.start(20)

    def refuse(*arguments, **more):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(enforcer_watch, "Child", refuse)
    os.kill(watch.pid, signal.SIGKILL)
    open_before = open_files()
    await until(lambda: caplog.messages.count("deadline enforcer start failed") >= 2)
    assert watch.is_failing
    assert open_files() <= open_before
    monkeypatch.setattr(enforcer_watch, "Child", Child)
    await until(lambda: watch.is_ready)
    assert not watch.is_failing
    await watch.stop()
    table.close()


class PretendedChild:
    """Says what the test wants it to say."""

    made = 0

    def __init__(self, arguments, environment, output, pass_fds, on_exit):
        type(self).made += 1
        self.environment, self.pass_fds, self.on_exit = environment, pass_fds, on_exit
        self.arguments = arguments
        self.output = os.dup(output)
        self.pid = 4242
        self.is_alive = True
        self.signals = []

    def signal(self, number):
        self.signals.append(number)

    async def wait(self):
        if self.is_alive:
            self.die()

    def say(self, text):
        os.write(self.output, text)

    def describe_end(self):
        return "was killed"

    def die(self):
        self.is_alive = False
        os.close(self.output)
        self.on_exit()


@pytest.fixture
async def watched(monkeypatch):
    class OwnChild(PretendedChild):
        made = 0

    monkeypatch.setattr(enforcer_watch, "Child", OwnChild)
    table = DeadlineTable(3)
    readies = []
    watch = EnforcerWatch(table, lambda: readies.append(watch.is_ready))
    starting = asyncio.create_task(watch.start(60))
    await asyncio.sleep(0)
    watch._child.say(b"ready\n")
    await starting
    yield watch, readies, OwnChild
    await watch.stop()
    table.close()


async def test_a_deadline_enforcer_watches_this_process_and_all_cells(watched):
    watch, readies, _ = watched
    child = watch._child
    assert child.arguments[-3:] == [str(os.getpid()), str(watch._table.read_fd), "3"]
    assert (child.environment, child.pass_fds) == ({}, (watch._table.read_fd,))
    assert (readies, watch.is_ready, watch.is_failing, watch.pid) == ([True], True, False, 4242)


async def test_whom_it_kills_and_what_else_it_says_is_logged(watched, caplog):
    watch, _, _ = watched
    watch._child.say(b"killed 77\nodd\n")
    await until(lambda: len(caplog.records) == 2)
    killed, odd = caplog.records
    assert (killed.getMessage(), getattr(killed, at.RUNNER_PID)) == ("runner killed at its deadline", 77)
    assert (odd.getMessage(), getattr(odd, at.REASON)) == ("deadline enforcer error", "odd")


async def test_one_that_dies_is_replaced_at_once_and_deadlines_are_not_enforced_until_it_is_ready(watched):
    watch, readies, own = watched
    watch._child.say(b"ready\n")
    watch._child.die()
    assert (own.made, watch.is_ready, watch.is_failing) == (2, False, False)
    readies.clear()
    watch._child.say(b"ready\n")
    await until(lambda: watch.is_ready)
    assert readies == [True]


async def test_one_that_dies_before_it_is_ready_is_replaced_later(watched):
    watch, _, own = watched
    watch._child.die()
    watch._child.die()
    assert (own.made, watch.is_failing, watch.pid) == (2, True, None)
    assert watch._restart.when() - asyncio.get_running_loop().time() == pytest.approx(0.5, abs=0.1)
    watch._restart.cancel()
    watch._start_again()
    watch._child.say(b"ready\n")
    await until(lambda: watch.is_ready)
    assert (own.made, watch.is_failing) == (3, False)


async def test_one_that_is_stopped_is_told_to_end_and_not_replaced(watched):
    watch, _, own = watched
    child = watch._child
    await watch.stop()
    assert (child.signals, own.made, watch.pid, watch.is_ready) == ([signal.SIGTERM], 1, None, False)


async def test_a_stop_calls_off_what_would_start_later(watched):
    watch, _, _ = watched
    watch._child.die()
    watch._child.die()
    restart = watch._restart
    await watch.stop()
    assert restart.cancelled()


async def test_one_that_is_not_ready_in_time_is_an_error(monkeypatch):
    monkeypatch.setattr(enforcer_watch, "Child", PretendedChild)
    table = DeadlineTable(1)
    watch = EnforcerWatch(table, lambda: None)
    with pytest.raises(EnforcerStartError, match=r"not ready within 0\.01 s"):
        await watch.start(0.01)
    await watch.stop()
    table.close()


async def test_before_its_start_there_is_no_deadline_enforcer_and_nothing_has_failed():
    table = DeadlineTable(1)
    watch = EnforcerWatch(table, lambda: None)
    assert (watch.pid, watch.is_ready, watch.is_failing) == (None, False, False)
    await watch.stop()
    table.close()


async def test_a_deadline_enforcer_that_cannot_be_started_leaves_no_open_files(monkeypatch):
    def refuse(*arguments, **more):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(enforcer_watch, "Child", refuse)
    table = DeadlineTable(1)
    watch = EnforcerWatch(table, lambda: None)
    before = open_files()
    with pytest.raises(BlockingIOError):
        await watch.start(20)
    assert open_files() == before
    table.close()


async def test_one_that_is_replaced_leaves_no_open_files(watched):
    watch, _, own = watched
    before = open_files()
    watch._child.die()
    assert (own.made, open_files()) == (2, before)


async def test_reading_what_it_says_never_waits_and_no_other_program_reads_it(watched):
    watch, _, _ = watched
    assert not os.get_blocking(watch._output)
    assert not os.get_inheritable(watch._output)


async def test_what_it_said_last_is_logged_when_it_is_dead(watched, caplog):
    watch, _, _ = watched
    watch._child.say(b"killed 77\n")
    watch._child.die()
    assert "runner killed at its deadline" in caplog.messages


async def test_its_end_is_seen_although_another_process_could_still_write(watched):
    watch, _, own = watched
    other = os.dup(watch._child.output)
    watch._child.die()
    assert own.made == 2
    os.close(other)


async def test_what_is_no_text_is_logged_all_the_same(watched, caplog):
    watch, _, _ = watched
    watch._child.say(b"od\xffd\n")
    await until(lambda: caplog.records)
    assert getattr(caplog.records[0], at.REASON) == "od\ufffdd"


async def test_one_that_has_closed_its_output_is_not_listened_to_any_more(watched):
    watch, _, _ = watched
    os.close(watch._child.output)
    watch._child.output = os.open(os.devnull, os.O_WRONLY)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not asyncio.get_running_loop().remove_reader(watch._output)
