"""A runner's main program: it says which kinds it has, serves, and ends when the supervisor hangs up."""

import asyncio
import io
import json
import logging
import os
import socket
import struct
import sys
import threading
from contextlib import suppress
from types import SimpleNamespace

import pytest
from tests.unit.execution.served import a_start

from turnstile.channels import StopReason
from worker.execution import messages, runner, runner_loop
from worker.execution.deadline_table import DeadlineTable
from worker.execution.log_forwarding import ForwardingHandler
from worker.execution.runner import main
from worker.execution.tracing import RunnerTracing

JOBS = """
import asyncio, sys
from datetime import timedelta
from turnstile import JobContext, job

@job("plain", timeout=timedelta(seconds=2.5), description="d" * 1001)
def plain(ctx):
    return ctx.elapsed.total_seconds() >= 0

@job("reason")
async def reason(ctx: JobContext):
    ctx.check()

@job("leaves")
async def leaves(ctx: JobContext):
    async def leave():
        sys.exit("enough")
    task = asyncio.create_task(leave())
    try:
        await task
    except SystemExit:
        pass

@job("stops")
async def stops(ctx: JobContext):
    async def stop():
        raise KeyboardInterrupt("stopped")
    task = asyncio.create_task(stop())
    try:
        await task
    except KeyboardInterrupt:
        pass
"""


class Exits(Exception):  # noqa: N818 - stands for the end of the process
    pass


class Tracing(RunnerTracing):
    def span_id(self):
        return "00ab"


class Main:
    """The program in a thread, as its supervisor sees it."""

    def __init__(self, *arguments, make_tracing=None):
        self.ours, theirs = socket.socketpair()
        self.ours.settimeout(20)
        self.table = DeadlineTable(2)
        self.cell = [self.table.take(), self.table.take()][1]
        self.control = theirs.detach()
        for passed in (self.control, self.table.read_fd):
            os.set_inheritable(passed, True)
        self.exits = None
        self.wants = []
        options = ["--supervisor", "77", "--control", str(self.control), "--table", str(self.table.read_fd)]
        options += ["--cell-count", "2", "--cell", "1", *arguments]
        self.thread = threading.Thread(target=self._run, args=(options,))
        self.thread.start()

    def _run(self, options):
        def make_tracing(wants_spans):
            self.wants.append(wants_spans)
            return Tracing()

        try:
            main(options, make_tracing)
        except (Exits, SystemExit) as error:
            self.exits = error.args

    def hear(self):
        """Return the next message; that a run has begun is not news."""
        message = None
        while message is None or isinstance(message, messages.Begun):
            (length,) = struct.unpack(">I", self._read(4))
            message = messages.read_from_runner(self._read(length))
        return message

    def _read(self, length):
        data = b""
        while len(data) < length:
            part = self.ours.recv(length - len(data))
            assert part, "the runner hung up"
            data += part
        return data

    def say(self, message):
        frame = messages.write(message)
        self.ours.sendall(struct.pack(">I", len(frame)) + frame)

    def end(self):
        self.ours.close()
        self.thread.join(20)
        assert not self.thread.is_alive()


@pytest.fixture
def confined(monkeypatch, tmp_path):
    """Keep this process as it is, and note what the program would have done to it."""
    noted = {"confine": [], "logging": [], "exit handlers": []}
    open_things = []

    def kept(thing):
        open_things.append(thing)
        return thing

    def leave(code):
        raise Exits(code)

    monkeypatch.setattr(runner, "confine", lambda *about: noted["confine"].append(about))
    monkeypatch.setattr(runner.logging, "basicConfig", lambda **about: noted["logging"].append(about))
    monkeypatch.setattr(runner.os, "_exit", leave)
    monkeypatch.setattr(runner_loop, "has_children", lambda: False)
    monkeypatch.setattr(runner.atexit, "_run_exitfuncs", lambda: noted["exit handlers"].append(True))
    # The program leaves them open, as its process ends.
    loops = {"new_event_loop": lambda: kept(asyncio.new_event_loop())}
    monkeypatch.setattr(runner, "asyncio", SimpleNamespace(**{**vars(asyncio), **loops}))
    sockets = {"socket": lambda fileno: kept(socket.socket(fileno=fileno))}
    monkeypatch.setattr(runner, "socket", SimpleNamespace(**sockets))
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "runner_jobs.py").write_text(JOBS)
    yield noted
    sys.modules.pop("runner_jobs", None)
    monkeypatch.setattr(runner.os, "_exit", lambda code: None)
    for one in open_things:
        if isinstance(one, asyncio.AbstractEventLoop):
            for task in asyncio.all_tasks(one):
                task.cancel()
                with suppress(asyncio.CancelledError):  # serving cancels whatever else runs on its loop
                    one.run_until_complete(asyncio.wait({task}))
        one.close()


@pytest.fixture
def start(confined):
    made = []

    def start(*arguments):
        made.append(Main(*arguments))
        return made[-1]

    yield start
    for program in made:
        program.end()
        program.table.close()


def test_a_runner_says_which_kinds_it_has(start, confined):
    program = start("--memory-limit", "500", "runner_jobs")
    hello = program.hear()
    assert hello.error is None
    kinds = {kind.kind: kind for kind in hello.kinds}
    assert list(kinds) == ["plain", "reason", "leaves", "stops"]
    assert kinds["plain"].timeout_seconds == 2.5
    assert kinds["plain"].description == "d" * 1000 + "… (1,001 characters)"
    assert kinds["plain"].parameters_schema["additionalProperties"] is False
    assert kinds["reason"].timeout_seconds is None
    assert confined["confine"] == [(77, 500)]
    program.end()
    assert program.exits == (0,)


def test_a_runner_serves_until_the_supervisor_hangs_up(start):
    program = start("runner_jobs")
    program.hear()
    for run in (1, 2):
        program.say(a_start("plain", run=run))
        done = program.hear()
        assert (done.run, done.result) == (run, "true")
    program.end()
    assert program.exits == (0,)


def test_a_runner_reads_its_own_cell(start):
    program = start("runner_jobs")
    program.hear()
    program.cell.stop(StopReason.CANCELLED)
    program.say(a_start("reason"))
    done = program.hear()
    assert (done.error_type, done.was_stopped) == ("JobCancelledError", True)
    program.end()


@pytest.mark.parametrize(
    ("kind", "error", "text"), [("leaves", "SystemExit", "enough"), ("stops", "KeyboardInterrupt", "stopped")]
)
def test_an_exit_that_ends_the_loop_is_the_end_of_the_run(start, kind, error, text):
    program = start("runner_jobs")
    program.hear()
    program.say(a_start(kind, run=5))
    done = program.hear()
    assert (done.run, done.error_type, done.error_message) == (5, error, text)
    assert done.is_tainted
    program.thread.join(20)
    assert program.exits == (0,)


@pytest.mark.parametrize(("arguments", "wants"), [((), False), (("--traces",), True)])
def test_a_runner_traces_and_logs_as_it_is_told(start, confined, arguments, wants):
    program = start("--log-level", "30", *arguments, "runner_jobs")
    program.hear()
    program.say(a_start("plain"))
    program.hear()
    program.end()
    assert program.wants == [wants]
    (about,) = confined["logging"]
    (handler,) = about["handlers"]
    assert (about["level"], about["force"], type(handler)) == (30, True, ForwardingHandler)
    assert handler._span_id() == "00ab"


def test_by_default_a_runner_logs_information_and_has_no_limit(start, confined):
    program = start("runner_jobs")
    program.hear()
    program.say(a_start("plain"))
    program.hear()
    program.end()
    assert confined["logging"][0]["level"] == logging.INFO
    assert confined["confine"] == [(77, None)]


def test_a_module_that_cannot_be_loaded_is_told_and_ends_the_runner(start, tmp_path, caplog):
    (tmp_path / "runner_jobs.py").write_text(f"raise ValueError('m' * {5000})")
    program = start("runner_jobs")
    hello = program.hear()
    assert hello.kinds == []
    assert hello.error.startswith("jobs module 'runner_jobs' cannot be imported: ValueError: mmm")
    assert len(hello.error) == 4000 + len("… (5,064 characters)")
    program.thread.join(20)
    assert program.exits == (1,)
    assert "loading the jobs module failed" in caplog.messages


def test_the_files_of_a_runner_are_not_passed_on(start):
    program = start("runner_jobs")
    program.hear()
    assert not os.get_inheritable(program.control)
    assert not os.get_inheritable(program.table.read_fd)
    program.end()


def test_what_is_printed_leaves_line_by_line(start, monkeypatch):
    printed = io.TextIOWrapper(io.BytesIO(), write_through=False)
    monkeypatch.setattr(sys, "stdout", printed)
    monkeypatch.setattr(sys, "stderr", object())
    program = start("runner_jobs")
    program.hear()
    program.end()
    monkeypatch.undo()
    assert printed.line_buffering


def test_what_is_printed_last_leaves_before_the_runner_ends(start, monkeypatch):
    flushed = []
    monkeypatch.setattr(runner, "flush_output", lambda: flushed.append(1))
    program = start("runner_jobs")
    program.hear()
    program.end()
    assert flushed == [1]


ALL = ("--supervisor", "--control", "--table", "--cell-count", "--cell")


@pytest.mark.parametrize("left_out", ALL)
def test_a_runner_must_be_given_all_that_ties_it_to_its_supervisor(left_out, capsys):
    given = [word for option in ALL if option != left_out for word in (option, "1")]
    with pytest.raises(SystemExit) as ended:
        main([*given, "runner_jobs"])
    assert ended.value.code == 2
    printed = capsys.readouterr().err
    assert printed.startswith("usage: runner ")
    assert printed.endswith(f"runner: error: the following arguments are required: {left_out}\n")


def test_a_runner_explains_its_arguments(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    printed = " ".join(capsys.readouterr().out.split())
    explained = {
        "--supervisor SUPERVISOR": "process id of the supervisor",
        "--control CONTROL": "fd of the socket to the supervisor",
        "--table TABLE": "fd of the shared memory",
        "--cell CELL": "index of this runner's cell",
        "--memory-limit MEMORY_LIMIT": "bytes",
        "--traces": "send spans",
        "jobs": "modules with jobs",
    }
    for argument, meaning in explained.items():
        assert f"{argument} {meaning}" in printed


def test_spans_and_kinds_are_json():
    hello = messages.Hello(kinds=[], error="e")
    assert json.loads(messages.write(hello)) == {
        "type": "hello",
        "kinds": [],
        "files": [],
        "error": "e",
    }
