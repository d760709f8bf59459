"""What the supervisor makes of a runner, with a child process that only pretends."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from tests.unit.execution.runner_case import NOTE, OPTIONS, PretendedChild
from tests.waiting import until

from contracts.telemetry import attributes as at
from turnstile.channels import StopReason
from worker.execution import messages, runner_process
from worker.execution.deadline_enforcer import HARD_DEADLINE, PID, SOFT_DEADLINE, STOP
from worker.execution.deadline_table import boot_time
from worker.execution.errors import RunnerStartError
from worker.execution.runner_options import RunnerOptions
from worker.execution.runner_process import RunnerProcess


def open_files():
    return sorted(path.name for path in Path("/proc/self/fd").iterdir())


async def test_a_runner_is_started_with_what_it_needs_to_know(make_runner):
    case = make_runner(RunnerOptions(("jobs", "more"), 500, {"PATH": "/bin"}, 30, True, 400))
    wire, table = case.child.pass_fds
    assert table == case.table.read_fd
    assert case.child.arguments == [
        *[sys.executable, "-m", "worker.runner", "--supervisor", str(os.getpid())],
        *["--control", str(wire), "--log-level", "30", "--table", str(table), "--cell-count", "2"],
        *["--cell", "0", "--memory-limit", "500", "--reuse-limit", "400", "--traces"],
        *["jobs", "more"],
    ]
    assert case.child.environment == {"PATH": "/bin"}
    other = make_runner()
    assert not {"--memory-limit", "--reuse-limit", "--traces"} & set(other.child.arguments)


async def test_a_runners_process_has_its_cell(case):
    assert case.runner.pid == 4242
    assert case.words()[PID] == 4242
    case.die()
    assert case.words() == [0] * 8


async def test_a_runner_that_cannot_be_started_takes_neither_cell_nor_files(monkeypatch, case):
    class NoChild(PretendedChild):
        can_start = False

    monkeypatch.setattr(runner_process, "Child", NoChild)
    before = open_files()
    for _ in range(3):
        with pytest.raises(BlockingIOError):
            RunnerProcess(OPTIONS, case.table, case.orphans, case.exits.append)
    assert open_files() == before
    case.table.take()


async def test_a_runner_has_started_once_it_says_which_kinds_it_has(case):
    kinds = [messages.KindMessage(kind="a", parameters_schema={}, timeout_seconds=None, description="")]
    starting = asyncio.create_task(case.runner.started(60))
    case.child.say(messages.write(messages.Hello(kinds=kinds)))
    case.child.say(messages.write(messages.Hello(error="too late")))
    assert (await starting).kinds == kinds
    assert (await case.runner.started(60)).kinds == kinds
    assert case.child.kills == 0


async def test_a_runner_that_cannot_load_its_jobs_is_ended_and_the_reason_given(case):
    starting = asyncio.create_task(case.runner.started(60))
    case.child.say(messages.write(messages.Hello(error="no such module")))
    await until(lambda: case.child.kills == 1)
    assert not starting.done()
    case.child.may_be_gone.set()
    with pytest.raises(RunnerStartError, match=r"^no such module$"):
        await starting
    assert case.orphans.awaited == 1


async def test_a_runner_that_does_not_start_in_time_is_ended(case):
    starting = asyncio.create_task(case.runner.started(0.01))
    await until(lambda: case.child.kills == 1)
    assert not starting.done()
    case.child.may_be_gone.set()
    with pytest.raises(RunnerStartError, match=r"had not loaded the jobs modules within 0\.01 s"):
        await starting


async def test_a_runner_that_dies_before_it_has_started_says_how(case):
    starting = asyncio.create_task(case.runner.started(60))
    await asyncio.sleep(0)
    case.child.may_be_gone.set()
    case.die()
    reason = "the runner process was killed by signal SIGKILL before it had loaded the jobs modules"
    with pytest.raises(RunnerStartError, match=f"^{reason}$"):
        await starting


async def test_a_job_is_handed_over_and_its_messages_are_heard(case):
    assert case.runner.next_run == 1
    start = case.begin()
    assert case.runner.next_run == 2
    assert case.child.hear() == [start]
    state = messages.SaveState(run=1, number=1, state="1")
    assert await case.heard(NOTE, state) == [NOTE, state]


async def test_messages_of_an_older_run_are_ignored_and_its_log_is_not(case):
    case.begin(1)
    case.begin(2)
    now = NOTE.model_copy(update={"run": 2})
    log = messages.Log(level=20, logger="a", message="from a thread of the run before")
    done = messages.Done(run=1, result="1")
    assert await case.heard(NOTE, done, log, now, NOTE.model_copy(update={"run": 3})) == [log, now]


async def test_between_runs_nothing_is_heard(case):
    case.begin()
    case.runner.end_run()
    for message in (NOTE, messages.Done(run=1, result="1"), messages.Log(level=1, logger="a", message="m")):
        case.child.say(messages.write(message))
    case.child.say(messages.write(messages.Hello()))
    await case.runner.started(60)
    assert case.listener.messages == []
    assert case.child.kills == 0


async def test_deadlines_stops_and_answers_reach_the_runner_while_it_lives(case):
    now = boot_time()
    case.runner.set_deadlines(now + 20, now + 10)
    assert case.words()[HARD_DEADLINE] == int((now + 20) * 1e9)
    assert case.words()[SOFT_DEADLINE] == int((now + 10) * 1e9)
    case.runner.ask_to_stop(StopReason.TIMED_OUT)
    assert case.view.stop_reason() is StopReason.TIMED_OUT
    case.runner.answer(3)
    case.runner.answer(4, "too large")
    answers = [messages.Answer(number=3), messages.Answer(number=4, error="too large")]
    assert case.child.hear() == [messages.Cancel(), *answers]
    case.runner.ask_where()
    assert case.child.signals == [signal.SIGUSR1]


async def test_nothing_reaches_a_cell_that_belongs_to_the_next_runner(case):
    case.die()
    case.table.give_back(case.table.take())
    case.runner.set_deadlines(1, 1)
    case.runner.ask_to_stop(StopReason.LOST)
    case.runner.answer(1)
    assert case.words() == [0] * 8
    other = case.table.take()
    other.assign(5)
    other.arm(boot_time() + 5, boot_time() + 4)
    case.runner.end_run()
    assert case.words()[HARD_DEADLINE] != 0


async def test_the_end_of_a_run_lifts_deadlines_and_stop(case):
    case.begin()
    case.runner.set_deadlines(boot_time() + 20, boot_time() + 10)
    case.runner.ask_to_stop(StopReason.CANCELLED)
    case.runner.end_run()
    assert case.words() == [4242, 0, 0, 0, 0, 0, 0, 0]
    assert case.words()[STOP] == 0


async def test_what_is_printed_is_logged_with_the_run_and_between_runs_with_none(case, caplog):
    caplog.set_level("INFO")
    os.write(case.child.output, b"before\n")
    await until(lambda: caplog.messages == ["before"])
    case.begin()
    os.write(case.child.output, b"no newline")
    case.runner.end_run()
    os.write(case.child.output, b"after\n")
    await until(lambda: len(caplog.messages) == 3)
    assert caplog.messages == ["before", "no newline", "after"]
    assert [getattr(record, at.JOB_ID, None) for record in caplog.records] == [None, "j", None]
    assert {getattr(record, at.RUNNER_PID) for record in caplog.records} == {4242}


async def test_a_malformed_message_is_told_by_its_first_fault_without_its_content(case):
    case.begin()
    case.child.say(b'{"type":"report","run":"secret","value":1,"limit":[],"step":"s"}')
    await until(lambda: case.child.kills)
    fault = case.runner.describe_end()
    assert "'loc': ('report', 'run')" in fault
    assert not [word for word in ("secret", "limit", "https://") if word in fault]


async def test_a_new_runner_is_not_overdue(case):
    assert case.runner.was_overdue is False
