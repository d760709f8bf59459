"""What a runner does to itself before it loads any user code."""

import os
import resource
import signal
import subprocess

import pytest
from tests.e2e import waiting

from worker.execution import process_limits
from worker.execution.process_limits import confine, has_children


class Done(list[object]):
    """What was done to this process, in order."""

    def noting(self, name):
        return lambda *about, **more: self.append((name, *about, *more.items()))


@pytest.fixture
def done(monkeypatch):
    done = Done()

    class Libc:
        prctl = staticmethod(done.noting("prctl"))

    monkeypatch.setattr(process_limits.ctypes, "CDLL", lambda name: Libc)
    monkeypatch.setattr(process_limits.os, "getppid", lambda: 77)
    monkeypatch.setattr(process_limits.resource, "setrlimit", done.noting("setrlimit"))
    monkeypatch.setattr(process_limits.faulthandler, "enable", done.noting("enable"))
    monkeypatch.setattr(process_limits.faulthandler, "register", done.noting("register"))
    monkeypatch.setattr(process_limits.Path, "write_text", lambda path, text: done.append((str(path), text)))
    return done


def test_a_runner_dies_with_its_supervisor_sees_orphans_and_shows_where_it_hangs(done):
    confine(77, None)
    assert done == [
        ("prctl", 1, signal.SIGKILL, 0, 0, 0),
        ("prctl", 36, 1, 0, 0, 0),
        ("/proc/self/oom_score_adj", "1000"),
        ("setrlimit", resource.RLIMIT_CORE, (0, 0)),
        ("enable",),
        ("register", signal.SIGUSR1, ("all_threads", True)),
    ]


def test_a_runner_has_so_much_private_memory(done):
    confine(77, 0)
    assert ("setrlimit", resource.RLIMIT_DATA, (0, 0)) in done
    confine(77, 5)
    assert ("setrlimit", resource.RLIMIT_DATA, (5, 5)) in done


def test_a_runner_whose_supervisor_is_gone_already_ends(done):
    with pytest.raises(SystemExit, match="the supervisor has exited"):
        confine(78, None)
    assert [name for name, *_ in done] == ["prctl"]


def test_a_sandbox_that_forbids_to_be_killed_first_is_no_obstacle(done, monkeypatch):
    def refuse(path, text):
        raise PermissionError

    monkeypatch.setattr(process_limits.Path, "write_text", refuse)
    confine(77, None)
    assert done[-1][0] == "register"


def test_children_are_seen_alive_and_dead_until_they_are_waited_for():
    child = os.fork()
    if child == 0:
        # In a process of its own, as this one may have children of other tests.
        code = 70
        try:
            code = _seen()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0b0110


def _seen():
    seen = [has_children()]
    process = subprocess.Popen(["sleep", "60"])
    seen.append(has_children())
    process.kill()
    waiting.until(lambda: os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT), 5, "a dead child")
    seen.append(has_children())
    process.wait()
    seen.append(has_children())
    return sum(is_seen << place for place, is_seen in enumerate(seen))


def test_a_process_without_children_has_none(monkeypatch):
    def refuse(*about):
        raise ChildProcessError

    monkeypatch.setattr(process_limits.os, "waitid", refuse)
    assert not has_children()


def test_a_process_with_a_child_has_one():
    with subprocess.Popen(["sleep", "60"]) as process:
        assert has_children()
        process.kill()
