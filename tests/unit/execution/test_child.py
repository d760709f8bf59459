"""Child processes: leaders of their groups, killed with them, and described when they are dead."""

import asyncio
import os
import signal
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from tests.waiting import until

from worker.execution import child as child_module
from worker.execution.child import Child
from worker.execution.process_limits import adopt_orphans


@pytest.fixture
def pipe():
    read_end, write_end = os.pipe()
    yield read_end, write_end
    os.close(read_end)
    os.close(write_end)


@pytest.fixture
async def start(pipe):
    adopt_orphans()  # as a pool does: what is left in a group can then be waited for
    children = []

    def start(script, environment=None, pass_fds=(), on_exit=lambda: None):
        command = ["sh", "-c", script]
        children.append(
            Child(command, os.environ if environment is None else environment, pipe[1], pass_fds, on_exit)
        )
        return children[-1]

    yield start
    for child in children:
        child.kill()
        await child.wait()


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


async def read(pipe):
    return (await asyncio.to_thread(os.read, pipe[0], 10_000)).decode()


@pytest.mark.parametrize(
    ("script", "end"),
    [
        ("exit 0", "exited with code 0"),
        ("exit 3", "exited with code 3"),
        ("kill -KILL $$", "was killed by signal SIGKILL"),
        ("kill -40 $$", "was killed by signal 40"),
    ],
)
async def test_a_child_that_is_dead_says_how_it_ended(start, script, end):
    child = start(script)
    await child.gone.wait()
    assert child.describe_end() == end
    assert not child.is_alive


async def test_a_living_child_says_so_and_is_known(start):
    child = start("exec sleep 60")
    assert child.is_alive
    assert child.describe_end() == "is alive"
    assert child.pid in Child.known
    child.kill()
    await child.wait()
    assert child.pid not in Child.known
    assert child.describe_end() == "was killed by signal SIGKILL"


async def test_the_end_is_told_once_after_the_process_is_reaped(start):
    ends = []
    child = start("exit 0", on_exit=lambda: ends.append((child.is_alive, psutil.pid_exists(child.pid))))
    await child.wait()
    await asyncio.sleep(0)
    assert ends == [(False, False)]


async def test_a_child_leads_a_session_has_its_environment_and_prints_to_its_output(start, pipe):
    child = start(
        "echo $ONLY; echo error >&2; ps -o sid= -p $$; cat", {"ONLY": "this", "PATH": os.environ["PATH"]}
    )
    await child.gone.wait()
    assert (await read(pipe)).split() == ["this", "error", str(child.pid)]


async def test_a_child_gets_the_files_that_are_passed_and_no_others(start, pipe):
    kept, passed = os.pipe(), os.pipe()
    for end in (kept[1], passed[1]):
        os.set_inheritable(end, True)
    child = start(
        f"ls /proc/self/fd; test -e /proc/self/fd/{passed[1]} && echo passed", pass_fds=(passed[1],)
    )
    await child.gone.wait()
    seen = (await read(pipe)).split()
    assert "passed" in seen
    assert str(passed[1]) in seen
    assert str(kept[1]) not in seen
    for end in (*kept, *passed):
        os.close(end)


async def test_a_signal_goes_to_the_process_alone(start, pipe):
    child = start("trap 'echo got it; exit 4' USR1; (trap 'echo wrong' USR1; sleep 60) & echo ready; wait")
    assert "ready" in await read(pipe)
    child.signal(signal.SIGUSR1)
    await child.wait()
    assert child.describe_end() == "exited with code 4"
    assert await read(pipe) == "got it\n"


async def test_killing_takes_the_whole_group(start, pipe):
    child = start("sleep 60 & echo $!; wait")
    other = int(await read(pipe))
    child.kill()
    await child.wait()
    assert not psutil.pid_exists(other) or psutil.Process(other).status() == psutil.STATUS_ZOMBIE


async def test_what_a_dead_child_leaves_in_its_group_is_killed(start, pipe):
    child = start("sleep 60 & echo $!; exit 0")
    other = int(await read(pipe))
    await child.wait()
    assert child.describe_end() == "exited with code 0"
    assert not psutil.pid_exists(other) or psutil.Process(other).status() == psutil.STATUS_ZOMBIE


async def test_a_dead_child_is_neither_signalled_nor_killed(start, monkeypatch):
    child = start("exit 0")
    await child.wait()
    calls = []
    monkeypatch.setattr(child_module, "kill_group", calls.append)
    monkeypatch.setattr(child_module.os, "kill", lambda *about: calls.append(about))
    child.kill()
    child.signal(signal.SIGTERM)
    assert calls == []


async def test_a_child_leaves_no_open_files(start):
    before = open_files()
    child = start("exit 0")
    await child.wait()
    assert open_files() == before


async def test_waiting_for_a_group_that_does_not_vanish_ends_after_a_second(start, monkeypatch):
    class Clock:
        now = 0.0

        def monotonic(self):
            self.now += 0.25
            return self.now

    clock = Clock()
    child = start("exit 0")
    await child.gone.wait()
    looks = []
    monkeypatch.setattr(child_module, "time", clock)
    monkeypatch.setattr(child_module, "_group_exists", lambda pid: looks.append(pid) or True)
    await child.wait()
    assert looks == [child.pid] * 4
    monkeypatch.setattr(child_module, "_group_exists", lambda pid: False)


async def test_a_group_is_looked_at_again_after_five_milliseconds(start, monkeypatch):
    child = start("exit 0")
    await child.gone.wait()
    naps = []

    async def nap(seconds):
        naps.append(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr(child_module, "asyncio", SimpleNamespace(sleep=nap))
    monkeypatch.setattr(child_module, "_group_exists", lambda pid: len(naps) < 3)
    await child.wait()
    assert naps == [0.005] * 3


async def test_a_group_exists_as_long_as_any_process_is_in_it():
    adopt_orphans()
    leader = await asyncio.create_subprocess_shell("sleep 60 & exit 0", start_new_session=True)
    await leader.wait()
    assert child_module._group_exists(leader.pid)
    os.killpg(leader.pid, signal.SIGKILL)
    await until(lambda: not child_module._group_exists(leader.pid))


def test_a_group_that_may_not_be_looked_at_exists(monkeypatch):
    def refuse(pid, number):
        raise PermissionError

    monkeypatch.setattr(child_module.os, "killpg", refuse)
    assert child_module._group_exists(2**22 + 1)
