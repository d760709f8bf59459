"""Runners, runs and a deadline enforcer that only pretend, for the tests of the pool."""

from __future__ import annotations

from typing import ClassVar

from coordination.holder.runs import Run, Stop
from coordination.journal.rows import JobRow
from coordination.outcomes import Completed
from worker.execution.deadline_table import boot_time
from worker.execution.messages import Hello, KindMessage
from worker.execution.run_telemetry import RunTelemetry


class PretendedEnforcer:
    """Is ready, unless told otherwise."""

    def __init__(self, table, on_ready):
        self.is_ready, self.is_failing = True, False
        self.on_ready = on_ready
        self.is_stopped = False

    async def start(self, timeout_seconds):
        self.start_timeout = timeout_seconds

    async def stop(self):
        self.is_stopped = True


class PretendedRunner:
    """Starts while it can, and ends when told. A test has a class of its own."""

    can_start = True
    #: How many were made, and those that there are.
    made = 0
    kinds = (KindMessage(kind="a", parameters_schema={}, timeout_seconds=None, description=""),)
    is_unwanted = False
    is_fresh = False
    #: The files that its modules came from.
    files = ()
    #: Called while it starts.
    while_starting = None

    def __init__(self, options, table, orphans, on_exit):
        type(self).made += 1
        self.pid = self.made
        self.options = options
        self.on_exit = on_exit
        self.is_alive = True
        self.has_ended = False
        if not self.can_start:
            raise BlockingIOError(11, "Resource temporarily unavailable")

    async def started(self, timeout_seconds):
        self.start_timeout = timeout_seconds
        if self.while_starting:
            await type(self).while_starting(self)
        return Hello(kinds=list(self.kinds), files=list(self.files))

    def die(self):
        self.is_alive = False
        self.on_exit(self)

    async def end(self):
        self.is_alive = False
        self.has_ended = True

    async def end_in_order(self, why):
        self.is_unwanted, self.why = True, why
        self.die()

    def describe_end(self):
        return "died"


class PretendedSupervision:
    """A run that ends when it may. A test has a class of its own."""

    is_reusable = True
    replace_because = ""
    #: Those that there were.
    made: ClassVar[list[PretendedSupervision]] = []

    def __init__(self, run, runner, timeout_seconds, grace, telemetry):
        self.made.append(self)
        self.run, self.runner = run, runner
        self.timeout_seconds, self.grace, self.telemetry = timeout_seconds, grace, telemetry
        self.is_abandoned = False

    async def outcome(self):
        return Completed()

    def abandon(self):
        self.is_abandoned = True


class Telling(RunTelemetry):
    """Notes down how runners were replaced."""

    def __init__(self):
        self.ends = []

    def runner_replaced(self, end):
        self.ends.append(end)


def a_run(stop=None, **more):
    """Return a run of the kind that pretended runners know."""
    about = {
        "job": JobRow(job_id="job", kind="a", lock_name="lock"),
        "fence": 1,
        "parameters": "{}",
        "recorded": [],
        "state": None,
        "stop": stop or Stop(),
        "hard_deadline": lambda: boot_time() + 100,
        "soft_deadline": lambda: boot_time() + 90,
        "record_step": None,
        "save_state": None,
        "report": None,
    }
    return Run(**{**about, **more})
