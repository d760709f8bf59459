"""What a dead runner leaves behind in sessions of its own is ended, and nothing else."""

import asyncio
import os
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest
from tests.e2e import waiting
from tests.waiting import until

from worker.execution import deadline_enforcer, orphans
from worker.execution.child import Child
from worker.execution.deadline_enforcer import kill_family
from worker.execution.orphans import Orphans
from worker.execution.process_limits import adopt_orphans

DAEMON = "setsid sh -c 'setsid sleep 60 & echo $!; sleep 60' & "


@pytest.fixture
def output():
    read_end, write_end = os.pipe()
    yield read_end, write_end
    os.close(read_end)
    os.close(write_end)


def start(script, output):
    return Child(["sh", "-c", script], os.environ, output, (), lambda: None)


def is_alive(pid):
    """Whether a process exists and is no zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def sleep(*, start_new_session):
    return subprocess.Popen(["sleep", "60"], start_new_session=start_new_session)


async def start_with_daemon(output):
    """Start a child that detaches a process; returns it, and the ids of that process and of its parent."""
    child = start(DAEMON + "sleep 60", output[1])
    daemon = int(await asyncio.to_thread(os.read, output[0], 100))
    return child, daemon, psutil.Process(daemon).ppid()


async def test_what_was_detached_is_killed_and_reaped_when_its_runner_is_dead(output):
    adopt_orphans()
    orphans = Orphans()
    child, daemon, parent = await start_with_daemon(output)
    child.kill()
    await child.wait()
    assert psutil.pid_exists(daemon)
    await orphans.ended()
    assert not psutil.pid_exists(daemon)
    assert not psutil.pid_exists(parent)


async def test_own_children_runners_and_those_there_before_go_on(output):
    before = sleep(start_new_session=True)
    orphans = Orphans()
    own = sleep(start_new_session=False)
    runner = start("sleep 60", output[1])
    try:
        assert orphans.end()
        assert before.poll() is None
        assert own.poll() is None
        assert runner.is_alive
    finally:
        for process in (before, own):
            process.kill()
            process.wait()
        runner.kill()
        await runner.wait()


async def test_what_a_living_runner_has_detached_is_its_own(output):
    adopt_orphans()
    orphans = Orphans()
    confined = f"from worker.execution.process_limits import confine; confine({os.getpid()}, None)"
    detach = f"import os, time; os.system({DAEMON!r}); time.sleep(60)"
    runner = Child([sys.executable, "-c", f"{confined}; {detach}"], os.environ, output[1], (), lambda: None)
    daemon = psutil.Process(int(await asyncio.to_thread(os.read, output[0], 100)))
    daemon.parent().kill()
    await until(lambda: daemon.ppid() == runner.pid)
    assert orphans.end()
    assert daemon.status() != psutil.STATUS_ZOMBIE
    runner.kill()
    await runner.wait()
    await orphans.ended()
    assert not psutil.pid_exists(daemon.pid)


async def test_the_deadline_enforcer_ends_what_was_detached_while_the_supervisor_cannot(output):
    adopt_orphans()
    orphans = Orphans()
    runner, daemon, parent = await start_with_daemon(output)
    kill_family(runner.pid)
    await until(lambda: not is_alive(daemon) and not is_alive(parent))
    await runner.wait()
    await orphans.ended()
    assert not psutil.pid_exists(daemon)


async def test_a_late_runner_stands_still_while_the_deadline_enforcer_looks_for_its_family(
    output, monkeypatch
):
    # Without exec, the shell may wait for a child stopped before its own exec, and then shows no stop.
    runner = start("exec sleep 60", output[1])

    def seen():
        waiting.until(
            lambda: psutil.Process(runner.pid).status() == psutil.STATUS_STOPPED,
            5,
            "a runner that stands still",
        )
        return []

    monkeypatch.setattr(deadline_enforcer, "processes", seen)
    kill_family(runner.pid)
    await runner.wait()


async def test_waiting_for_what_does_not_vanish_looks_every_five_milliseconds_and_ends_after_a_second(
    monkeypatch,
):
    class Clock:
        now = 0.0

        def monotonic(self):
            self.now += 0.25
            return self.now

    naps = []

    async def nap(seconds):
        naps.append(seconds)
        await asyncio.sleep(0)

    looking = Orphans()
    monkeypatch.setattr(orphans, "time", Clock())
    monkeypatch.setattr(orphans, "asyncio", SimpleNamespace(sleep=nap))
    monkeypatch.setattr(looking, "end", lambda: False)
    async with asyncio.timeout(5):
        await looking.ended()
    assert naps == [0.005] * 3
