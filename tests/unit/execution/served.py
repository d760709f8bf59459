"""A runner's serving in the test's own process, and the supervisor's end of its wire."""

import socket

from tests.waiting import until

from turnstile import kind_of
from worker.execution import messages
from worker.execution.deadline_table import DeadlineTable, DeadlineView
from worker.execution.frame_stream import FrameStream
from worker.execution.runner_loop import Serving
from worker.execution.tracing import RunnerTracing


class Served:
    """Must be made by the test's own task: whatever else runs on its loop is taken for a handler's."""

    def __init__(self, *handlers, tracing=None):
        ours, theirs = socket.socketpair()
        self.table = DeadlineTable(1)
        self.cell = self.table.take()
        view = DeadlineView(self.table.read_fd, 1, 0)
        kinds = {kind_of(handler).name: kind_of(handler) for handler in handlers}
        self.heard = []
        self.serving = Serving(kinds, theirs, view, tracing or RunnerTracing())
        self.wire = FrameStream(
            ours, lambda frame: self.heard.append(messages.read_from_runner(frame)), print
        )

    def say(self, *said):
        for message in said:
            self.wire.send(messages.write(message))

    def of(self, kind):
        """Return what was heard of a type of message."""
        return [message for message in self.heard if isinstance(message, kind)]

    async def done(self, number=1):
        """Return how a run ended: the first, or a later one; without its times, which nobody can foretell."""
        await until(lambda: len(self.of(messages.Done)) >= number)
        return self.of(messages.Done)[number - 1].model_copy(
            update={"handler_began": None, "handler_ended": None}
        )

    async def times(self, kind):
        """Run a kind to its end, and return when its handler began and ended."""
        await self.run(kind)
        done = self.of(messages.Done)[-1]
        return done.handler_began, done.handler_ended

    async def run(self, kind, **about):
        """Run a kind to its end."""
        number = len(self.of(messages.Done)) + 1
        self.say(a_start(kind, **about))
        return await self.done(number)

    def close(self):
        self.wire.close()
        self.serving.wire.close()
        self.table.close()


def a_start(kind, **about):
    """Return the order to run a kind."""
    usual = {
        "run": 1,
        "job_id": "j",
        "lock": "l",
        "attempt": 1,
        "interruptions": 0,
        "fence": 1,
        "traceparent": None,
        "parameters": "{}",
        "recorded": {},
        "state": None,
    }
    return messages.Start(kind=kind, **{**usual, **about})
