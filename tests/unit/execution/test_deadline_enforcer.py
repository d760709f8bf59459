"""The process that enforces deadlines: whom it kills, how, and how often."""

import os
import shutil
import signal
import subprocess
import threading
import time

import psutil
import pytest
from tests.e2e import waiting

from worker.execution import deadline_enforcer
from worker.execution.deadline_enforcer import kill_family, kill_group, main, map_cells, overdue, processes
from worker.execution.deadline_table import DeadlineTable


class Time:
    """A clock that the test sets. Each sleep of the loop is the test's next step."""

    CLOCK_BOOTTIME = time.CLOCK_BOOTTIME

    def __init__(self):
        self.now = 1000
        self.steps = []
        self.naps = []

    def clock_gettime_ns(self, clock):
        assert clock == time.CLOCK_BOOTTIME
        return self.now

    def sleep(self, seconds):
        self.naps.append(seconds)
        self.steps.pop(0)()


class Libc:
    def __init__(self):
        self.calls = []

    def prctl(self, *arguments):
        self.calls.append(arguments)


class Watching:
    """The loop in a thread of its own, with processes that only exist in its deadline table."""

    def __init__(self, monkeypatch):
        self.table = DeadlineTable(3)
        self.time, self.libc = Time(), Libc()
        self.killed = []
        self.parent = 77
        monkeypatch.setattr(deadline_enforcer, "time", self.time)
        monkeypatch.setattr(deadline_enforcer.ctypes, "CDLL", lambda name: self.libc)
        monkeypatch.setattr(deadline_enforcer.os, "getppid", lambda: self.parent)
        monkeypatch.setattr(deadline_enforcer, "kill_group", lambda pid: self.killed.append(("group", pid)))
        monkeypatch.setattr(deadline_enforcer, "kill_family", lambda pid: self.killed.append(("family", pid)))

    def runner(self, pid, deadline):
        cell = self.table.take()
        cell.assign(pid)
        self.set_deadline(cell, deadline)
        return cell

    def set_deadline(self, cell, deadline):
        cell._words[cell._start + deadline_enforcer.HARD_DEADLINE] = deadline

    def is_told_to_end(self):
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    def lose_the_parent(self):
        self.parent = 1

    def run(self, *steps):
        self.time.steps = list(steps)
        errors = []

        def watch():
            try:
                main(77, self.table.read_fd, self.table.count)
            except BaseException as error:  # noqa: BLE001 - shown by the test's own thread
                errors.append(error)

        thread = threading.Thread(target=watch)
        thread.start()
        thread.join(10)
        assert not thread.is_alive()
        assert errors == []
        assert self.time.steps == []


@pytest.fixture
def watching(monkeypatch, capfd):
    watching = Watching(monkeypatch)
    yield watching
    watching.table.close()


def nothing():
    """Look once more."""


def test_a_late_runner_is_killed_with_all_it_started_once_and_then_by_its_group(watching, capfd):
    watching.runner(5, 1000)
    watching.runner(6, 1001)
    watching.runner(7, 0)
    watching.run(nothing, nothing, watching.is_told_to_end)
    assert watching.killed == [("family", 5), ("group", 5), ("group", 5)]
    assert capfd.readouterr().out == "ready\nkilled 5\n"


def test_a_deadline_passes_at_its_very_nanosecond(watching):
    watching.runner(5, 1001)

    def pass_it():
        assert watching.killed == []
        watching.time.now = 1001

    watching.run(pass_it, watching.is_told_to_end)
    assert watching.killed == [("family", 5)]


def test_a_process_that_misses_another_deadline_is_killed_with_all_it_started_again(watching):
    cell = watching.runner(5, 1000)
    watching.run(lambda: watching.set_deadline(cell, 999), watching.is_told_to_end)
    assert watching.killed == [("family", 5), ("family", 5)]


def test_a_deadline_that_is_lifted_and_missed_again_is_a_new_one(watching):
    cell = watching.runner(5, 1000)
    watching.run(
        lambda: watching.set_deadline(cell, 2000),
        lambda: watching.set_deadline(cell, 1000),
        watching.is_told_to_end,
    )
    assert watching.killed == [("family", 5), ("family", 5)]


def test_when_told_to_end_it_kills_nobody(watching):
    watching.runner(5, 5000)
    watching.run(watching.is_told_to_end)
    assert watching.killed == []


def test_when_the_supervisor_is_gone_it_kills_all_runners_and_no_free_cell(watching):
    watching.runner(5, 5000)
    watching.runner(6, 0)
    watching.run(watching.lose_the_parent)
    assert watching.killed == [("group", 5), ("group", 6)]


def test_a_supervisor_that_is_gone_outweighs_being_told_to_end(watching):
    # The kernel sends the same signal at the supervisor's death.
    def die():
        watching.lose_the_parent()
        watching.is_told_to_end()

    watching.runner(5, 5000)
    watching.run(die)
    assert watching.killed == [("group", 5)]


def test_it_looks_twenty_times_a_second_and_asks_to_be_told_of_its_supervisors_death(watching):
    watching.run(nothing, watching.is_told_to_end)
    assert watching.time.naps == [0.05, 0.05]
    assert watching.libc.calls == [(1, signal.SIGTERM, 0, 0, 0)]


def test_what_it_says_can_never_make_it_wait(watching):
    seen = []
    watching.run(lambda: seen.append(os.get_blocking(1)), watching.is_told_to_end)
    assert seen == [False]


def test_it_goes_on_when_nobody_reads_what_it_says(watching, monkeypatch):
    def refuse(fd, line):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    watching.runner(5, 1000)
    monkeypatch.setattr(deadline_enforcer.os, "write", refuse)
    watching.run(watching.is_told_to_end)
    monkeypatch.undo()
    assert watching.killed == [("family", 5)]


def test_only_deadlines_that_have_passed_are_overdue():
    table = DeadlineTable(4)
    words = map_cells(table.read_fd, table.count)
    for pid, deadline in [(1, 10), (2, 11), (3, 0), (0, 10)]:
        cell = table.take()
        cell.assign(pid)
        cell._words[cell._start + deadline_enforcer.HARD_DEADLINE] = deadline
    assert overdue(words, 9) == []
    assert overdue(words, 10) == [(1, 10)]
    assert overdue(words, 11) == [(1, 10), (2, 11)]
    words.release()
    table.close()


def test_all_processes_are_seen_the_dead_and_those_with_odd_names_too(tmp_path):
    odd = tmp_path / "a) S 1 2 (b"
    shutil.copy(shutil.which("sleep"), odd)
    dead = subprocess.Popen(["true"])
    named = subprocess.Popen([odd, "60"], start_new_session=True)
    try:
        waiting.until(lambda: psutil.Process(dead.pid).status() == psutil.STATUS_ZOMBIE, 5, "a dead process")
        seen = {pid: (parent, session) for pid, parent, session in processes()}
        assert seen[dead.pid] == (os.getpid(), os.getsid(0))
        assert seen[named.pid] == (os.getpid(), named.pid)
    finally:
        named.kill()
        named.wait()
        dead.wait()


def test_the_last_of_many_cells_is_watched():
    table = DeadlineTable(20)
    words = map_cells(table.read_fd, table.count)
    last = [table.take() for _ in range(20)][-1]
    last.assign(5)
    last._words[last._start + deadline_enforcer.HARD_DEADLINE] = 10
    assert overdue(words, 10) == [(5, 10)]
    words.release()
    table.close()


def test_a_process_that_ends_while_it_is_looked_at_hides_no_other(monkeypatch):
    everyone = {pid for pid, _, _ in processes()}
    read = deadline_enforcer.Path.read_bytes
    looks = []

    def read_bytes(path):
        looks.append(path)
        if len(looks) == 1:
            raise ProcessLookupError
        return read(path)

    monkeypatch.setattr(deadline_enforcer.Path, "read_bytes", read_bytes)
    seen = {pid for pid, _, _ in processes()}
    gone = int(looks[0].parent.name)
    assert gone not in seen
    assert (os.getpid() in seen) == (os.getpid() != gone)
    assert len(seen) > 1 or len(everyone) < 3


def test_killing_what_is_gone_is_no_error():
    gone = subprocess.Popen(["true"], start_new_session=True)
    gone.wait()
    kill_group(gone.pid)
    kill_family(gone.pid)
