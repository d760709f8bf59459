"""Deadlines and stop flags in shared memory."""

import mmap
import os
import time
from pathlib import Path

import pytest

from turnstile.channels import StopReason
from worker.execution import deadline_table as slots_module
from worker.execution.deadline_enforcer import HARD_DEADLINE, SOFT_DEADLINE, map_cells, overdue
from worker.execution.deadline_table import DeadlineTable, DeadlineView, boot_time


@pytest.fixture
def table():
    table = DeadlineTable(3)
    yield table
    table.close()


def test_the_runner_sees_stop_flags_and_the_soft_deadline(table):
    cell = table.take()
    view = DeadlineView(table.read_fd, table.count, cell.index)
    assert view.stop_reason() is None
    for reason in StopReason:
        cell.stop(reason)
        assert view.stop_reason() is reason
    cell.disarm()
    cell.arm(boot_time() + 100, boot_time() + 50)
    assert view.stop_reason() is None
    cell.arm(boot_time() + 100, boot_time() - 0.001)
    assert view.stop_reason() is StopReason.DEADLINE
    cell.disarm()
    assert view.stop_reason() is None


def test_only_an_armed_cell_of_a_living_runner_is_overdue(table):
    words, now = map_cells(table.read_fd, table.count), time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    idle, running, late = table.take(), table.take(), table.take()
    idle.assign(101)
    running.assign(102)
    running.arm(boot_time() + 60, boot_time() + 50)
    late.assign(103)
    late.arm(boot_time() - 1, boot_time() - 2)
    assert [pid for pid, _ in overdue(words, now)] == [103]
    assert (idle.is_overdue, running.is_overdue, late.is_overdue) == (False, False, True)
    table.give_back(late)
    assert overdue(words, now) == []


def test_an_unlimited_deadline_is_no_deadline_passed(table):
    cell = table.take()
    cell.arm(float("inf"), float("inf"))
    assert DeadlineView(table.read_fd, table.count, cell.index).stop_reason() is None
    assert not cell.is_overdue


def test_children_get_the_memory_for_reading_only(table):
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.write(table.read_fd, b"x")
    with pytest.raises(PermissionError):
        mmap.mmap(table.read_fd, 64)
    with pytest.raises(TypeError):
        map_cells(table.read_fd, table.count)[0] = 1


class Clock:
    """The boot-time clock, set by the test."""

    CLOCK_BOOTTIME = time.CLOCK_BOOTTIME

    def __init__(self):
        self.now = 10_000_000_000

    def clock_gettime_ns(self, clock):
        assert clock == time.CLOCK_BOOTTIME
        return self.now


def test_deadlines_pass_at_their_very_nanosecond(table, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(slots_module, "time", clock)
    cell = table.take()
    view = DeadlineView(table.read_fd, table.count, cell.index)
    cell.arm(12.0, 11.0)
    clock.now = 10_999_999_999
    assert (view.stop_reason(), cell.is_overdue) == (None, False)
    clock.now = 11_000_000_000
    assert (view.stop_reason(), cell.is_overdue) == (StopReason.DEADLINE, False)
    clock.now = 11_999_999_999
    assert not cell.is_overdue
    clock.now = 12_000_000_000
    assert cell.is_overdue


def test_a_stop_outweighs_a_deadline_that_has_passed(table):
    cell = table.take()
    cell.arm(1, 1)
    cell.stop(StopReason.CANCELLED)
    assert DeadlineView(table.read_fd, table.count, cell.index).stop_reason() is StopReason.CANCELLED


@pytest.mark.parametrize(
    ("seconds", "word"),
    [(0.0, 1), (-5.0, 1), (1e-9, 1), (2.5, 2_500_000_000), (1e30, 2**63 - 1), (float("inf"), 2**63 - 1)],
)
def test_no_deadline_looks_like_none(table, seconds, word):
    cell = table.take()
    cell.arm(seconds, seconds)
    words = map_cells(table.read_fd, table.count)
    assert (words[HARD_DEADLINE], words[SOFT_DEADLINE]) == (word, word)


def test_every_runner_has_a_cell_of_its_own(table):
    taken = [table.take() for _ in range(3)]
    assert [cell.index for cell in taken] == [0, 1, 2]
    for number, cell in enumerate(taken, 1):
        cell.assign(number)
        cell.arm(number * 3, number * 2)
        cell.stop(list(StopReason)[number])
    words = map_cells(table.read_fd, table.count)
    assert [list(words[start : start + 4]) for start in (0, 8, 16)] == [
        [1, 3_000_000_000, 2_000_000_000, 2],
        [2, 6_000_000_000, 4_000_000_000, 3],
        [3, 9_000_000_000, 6_000_000_000, 4],
    ]
    views = [DeadlineView(table.read_fd, table.count, index) for index in range(3)]
    assert [view.stop_reason() for view in views] == list(StopReason)[1:4]


def test_a_cell_that_is_given_back_is_empty_and_taken_again(table):
    taken = [table.take() for _ in range(3)]
    with pytest.raises(IndexError):
        table.take()
    taken[1].assign(5)
    taken[1].arm(5, 5)
    taken[1].stop(StopReason.LOST)
    table.give_back(taken[1])
    assert list(map_cells(table.read_fd, table.count)) == [0] * 24
    assert table.take().index == 1


def test_a_cell_that_is_assigned_has_no_deadline_of_another_process(table):
    cell = table.take()
    cell.arm(5, 5)
    cell.stop(StopReason.LOST)
    cell.assign(7)
    assert list(map_cells(table.read_fd, table.count)[:8]) == [7, 0, 0, 0, 0, 0, 0, 0]


def open_files():
    return sorted(path.name for path in Path("/proc/self/fd").iterdir())


def test_the_memory_is_given_back():
    before = open_files()
    table = DeadlineTable(1)
    table.close()
    assert open_files() == before
