"""A runner as the supervisor sees it, with a child process that only pretends."""

import asyncio
import os
import socket
import struct

from tests.waiting import until

from contracts.telemetry import attributes as at
from worker.execution import messages
from worker.execution.deadline_enforcer import map_cells
from worker.execution.deadline_table import DeadlineTable, DeadlineView
from worker.execution.runner_options import RunnerOptions
from worker.execution.runner_process import RunnerProcess

OPTIONS = RunnerOptions(("jobs", "more"), None, {"PATH": "/bin"}, 30)
START = messages.Start(
    run=1,
    job_id="j",
    kind="k",
    lock="l",
    attempt=1,
    interruptions=0,
    fence=1,
    traceparent=None,
    parameters="{}",
    recorded={},
    state=None,
)
NOTE = messages.Report(run=1, value=1, limit=2, step="s")


class PretendedChild:
    """Keeps its ends of wire and output, and dies when the test says so."""

    can_start = True

    def __init__(self, arguments, environment, output, pass_fds, on_exit):
        self.arguments, self.environment, self.pass_fds = arguments, environment, pass_fds
        if not self.can_start:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        self.on_exit = on_exit
        self.socket = socket.socket(fileno=os.dup(pass_fds[0]))
        self.output = os.dup(output)
        self.pid = 4242
        self.is_alive = True
        self.kills = 0
        self.signals = []
        self.may_be_gone = asyncio.Event()

    def signal(self, number):
        self.signals.append(number)

    def kill(self):
        self.kills += 1

    async def wait(self):
        await self.may_be_gone.wait()

    def describe_end(self):
        return "was killed by signal SIGKILL"

    def say(self, frame):
        self.socket.sendall(struct.pack(">I", len(frame)) + frame)

    def hear(self):
        """Return the frames that the supervisor sent."""
        self.socket.setblocking(False)
        try:
            data = self.socket.recv(1_000_000)
        except BlockingIOError:
            return []
        frames = []
        while data:
            (length,) = struct.unpack(">I", data[:4])
            frames.append(messages.read_to_runner(data[4 : 4 + length]))
            data = data[4 + length :]
        return frames

    def close(self):
        self.socket.close()
        os.close(self.output)


class Orphans:
    def __init__(self):
        self.ends = 0
        self.awaited = 0

    def end(self):
        self.ends += 1

    async def ended(self):
        self.awaited += 1


class Listener:
    def __init__(self):
        self.messages = []
        self.deaths = 0
        self.error = None

    def heard(self, message):
        self.messages.append(message)
        if self.error:
            raise self.error

    def died(self):
        self.deaths += 1


class Case:
    def __init__(self, options=OPTIONS):
        self.table = DeadlineTable(2)
        self.orphans = Orphans()
        self.exits = []
        self.listener = Listener()
        self.runner = RunnerProcess(options, self.table, self.orphans, self.exits.append)
        self.child = self.runner._child
        self.view = DeadlineView(self.table.read_fd, 2, self.runner._cell.index)

    def words(self):
        start = self.runner._cell.index * 8
        return list(map_cells(self.table.read_fd, 2)[start : start + 8])

    def begin(self, run=1):
        start = START.model_copy(update={"run": run})
        self.runner.begin(start, self.listener, {at.JOB_ID: "j"})
        return start

    def die(self):
        self.child.is_alive = False
        self.child.on_exit()

    async def heard(self, *said):
        """Say something after what the test said, and return all that was heard until then."""
        end = messages.Log(level=1, logger="end", message="end")
        for message in (*said, end):
            self.child.say(messages.write(message))
        await until(lambda: end in self.listener.messages)
        return [message for message in self.listener.messages if message is not end and message != end]
