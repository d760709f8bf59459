"""How a runner ends: killed, dead, or at fault, with a child process that only pretends."""

import asyncio
import os
import socket

import pytest
from tests.unit.execution.runner_case import NOTE
from tests.waiting import until

from contracts.telemetry import attributes as at
from worker.execution import messages, runner_process
from worker.execution.deadline_table import boot_time


async def test_killing_a_living_runner_makes_it_unwanted(case):
    assert not case.runner.is_unwanted
    case.runner.kill()
    assert case.runner.is_unwanted
    assert case.child.kills == 1


async def test_killing_a_dead_runner_does_not_explain_its_death(case):
    case.die()
    case.runner.kill()
    assert not case.runner.is_unwanted


async def test_a_runner_is_ended_once_its_group_and_what_it_detached_are(case):
    ending = asyncio.create_task(case.runner.end())
    await asyncio.sleep(0)
    assert (case.child.kills, case.orphans.awaited, ending.done()) == (1, 0, False)
    case.child.may_be_gone.set()
    await ending
    assert case.orphans.awaited == 1


async def test_at_its_death_what_it_sent_and_printed_comes_before_the_death_is_told(case, caplog):
    caplog.set_level("INFO")
    case.begin()
    case.runner.set_deadlines(boot_time() + 20, boot_time() + 10)
    os.write(case.child.output, b"last words")
    case.child.say(messages.write(NOTE))

    def died():
        seen.append((list(case.listener.messages), list(caplog.messages)))

    seen = []
    case.listener.died = died
    case.die()
    assert seen == [([NOTE], ["last words"])]
    assert getattr(caplog.records[0], at.JOB_ID) == "j"
    assert (case.orphans.ends, case.exits) == (1, [case.runner])
    assert not case.runner.was_overdue


async def test_a_runner_that_dies_after_its_deadline_was_overdue(case):
    case.begin()
    case.runner.set_deadlines(boot_time() - 1, boot_time() - 2)
    case.die()
    assert case.runner.was_overdue
    assert case.listener.deaths == 1


async def test_a_runner_that_dies_between_runs_tells_no_run(case):
    case.begin()
    case.runner.end_run()
    case.die()
    assert case.listener.deaths == 0
    assert case.exits == [case.runner]


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        (b"{}", "the runner process sent a malformed message: {'type': 'union_tag_not_found'"),
        (b'{"type":"start"}', "the runner process sent a malformed message: {'type': 'union_tag_invalid'"),
    ],
)
async def test_a_malformed_message_kills_the_runner_and_is_its_end(case, frame, fault):
    case.begin()
    case.child.say(frame)
    await until(lambda: case.child.kills)
    assert case.runner.describe_end().startswith(fault)
    assert case.listener.messages == []
    assert not case.runner.is_unwanted


@pytest.mark.parametrize(("length", "is_read"), [(2 * 1024 * 1024, True), (2 * 1024 * 1024 + 1, False)])
async def test_a_message_has_two_mebibytes_at_most(case, length, is_read):
    case.begin()
    bare = messages.write(messages.SaveState(run=1, number=1, state=""))
    frame = messages.write(messages.SaveState(run=1, number=1, state="x" * (length - len(bare))))
    assert len(frame) == length
    sending = asyncio.create_task(asyncio.to_thread(case.child.say, frame))
    await until(lambda: case.listener.messages if is_read else case.child.kills)
    if not is_read:
        assert case.runner.fault == "the runner process sent a frame of 2,097,153 bytes"
        case.die()  # closes the wire, so that the rest need not be sent
    await asyncio.gather(sending, return_exceptions=True)


async def test_a_runner_that_ends_in_order_is_killed_only_when_it_takes_too_long(case, monkeypatch):
    monkeypatch.setattr(runner_process, "_ORDERLY_SECONDS", 0.05)
    case.child.may_be_gone.set()
    await case.runner.end_in_order("it is too large")
    assert (case.runner.is_unwanted, case.child.socket.recv(1)) == (True, b"")
    case.child.may_be_gone.clear()
    kills = case.child.kills
    ending = asyncio.create_task(case.runner.end_in_order("for another reason"))
    await asyncio.sleep(0)
    assert case.child.kills == kills
    await until(lambda: case.child.kills > kills)
    case.child.may_be_gone.set()
    await ending
    end = "the runner process was killed by signal SIGKILL: it is too large"
    assert case.runner.describe_end() == end


async def test_a_runner_that_is_to_end_may_hang_up(case):
    case.child.may_be_gone.set()
    await case.runner.end_in_order("it is too large")
    case.child.socket.shutdown(socket.SHUT_RDWR)
    for _ in range(5):
        await asyncio.sleep(0)
    assert case.runner.fault is None


async def test_the_first_fault_is_the_one_that_is_told(case):
    case.runner.kill_for_violation("did this")
    case.runner.kill_for_violation("did that")
    assert case.runner.describe_end() == "the runner process did this"
    assert case.child.kills == 2


async def test_a_dead_runner_has_no_faults(case):
    case.die()
    case.runner.kill_for_violation("did this")
    assert case.runner.describe_end() == "the runner process was killed by signal SIGKILL"
    assert case.child.kills == 0


async def test_a_runner_that_hangs_up_is_killed_unless_it_was_dying(make_runner, monkeypatch):
    monkeypatch.setattr(runner_process, "_DYING_SECONDS", 0.02)
    case, dying = make_runner(), make_runner()
    for each in (case, dying):
        each.child.socket.shutdown(socket.SHUT_RDWR)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    dying.die()
    assert (case.child.kills, dying.child.kills) == (0, 0)
    await until(lambda: case.child.kills)
    assert case.runner.fault == "the runner process closed its connection"
    assert (dying.runner.fault, dying.child.kills) == (None, 0)


async def test_a_message_that_cannot_be_handled_kills_the_runner(case, caplog):
    case.begin()
    case.listener.error = KeyError("odd")
    case.child.say(messages.write(NOTE))
    await until(lambda: case.child.kills)
    assert case.runner.fault == "the runner process sent an invalid message"
    assert "invalid message from a runner" in caplog.messages
    case.listener.error = None
