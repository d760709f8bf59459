"""Deadlines and stop flags in shared memory."""

import mmap
import os
import time

import pytest

from turnstile.channels import StopReason
from worker.execution.guillotine import map_slots, overdue
from worker.execution.slots import Slots, SlotView, boot_time


@pytest.fixture
def slots():
    slots = Slots(3)
    yield slots
    slots.close()


def test_the_runner_sees_stop_flags_and_the_soft_deadline(slots):
    slot = slots.take()
    view = SlotView(slots.read_fd, slots.count, slot.index)
    assert view.stop_reason() is None
    for reason in StopReason:
        slot.stop(reason)
        assert view.stop_reason() is reason
    slot.disarm()
    slot.arm(boot_time() + 100, boot_time() + 50)
    assert view.stop_reason() is None
    slot.arm(boot_time() + 100, boot_time() - 0.001)
    assert view.stop_reason() is StopReason.DEADLINE
    slot.disarm()
    assert view.stop_reason() is None


def test_only_an_armed_slot_of_a_living_runner_is_overdue(slots):
    words, now = map_slots(slots.read_fd, slots.count), time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    idle, running, late = slots.take(), slots.take(), slots.take()
    idle.assign(101)
    running.assign(102)
    running.arm(boot_time() + 60, boot_time() + 50)
    late.assign(103)
    late.arm(boot_time() - 1, boot_time() - 2)
    assert [pid for pid, _ in overdue(words, now)] == [103]
    assert (idle.is_overdue, running.is_overdue, late.is_overdue) == (False, False, True)
    slots.give_back(late)
    assert overdue(words, now) == []


def test_an_unlimited_deadline_is_no_deadline_passed(slots):
    slot = slots.take()
    slot.arm(float("inf"), float("inf"))
    assert SlotView(slots.read_fd, slots.count, slot.index).stop_reason() is None
    assert not slot.is_overdue


def test_children_get_the_memory_for_reading_only(slots):
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.write(slots.read_fd, b"x")
    with pytest.raises(PermissionError):
        mmap.mmap(slots.read_fd, 64)
    with pytest.raises(TypeError):
        map_slots(slots.read_fd, slots.count)[0] = 1
