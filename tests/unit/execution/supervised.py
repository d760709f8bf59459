"""A run's supervision, with a runner that only pretends."""

import asyncio

from coordination.holder.runs import Run, Stop
from coordination.journal.rows import JobRow
from worker.execution import messages
from worker.execution.deadline_table import boot_time
from worker.execution.run_supervision import Supervision
from worker.execution.run_telemetry import RunTelemetry


class PretendedRunner:
    """Does what it is told and notes it down."""

    next_run = 1
    was_overdue = False
    fault = None

    def __init__(self):
        #: What was done to it, in order.
        self.done = []
        self.deadlines = []
        self.told = []
        self.answers = []
        self.killed = asyncio.Event()
        self.listener = None

    def begin(self, start, listener, labels, history=()):
        self.listener = listener
        self.history = list(history)
        self.start, self.labels = start, labels
        self.done.append("begin")

    def set_deadlines(self, hard, soft):
        self.deadlines.append((hard, soft))
        self.done.append("deadlines")

    def ask_to_stop(self, reason):
        self.told.append(reason)

    def answer(self, number, error=None):
        self.answers.append((number, error))

    def end_run(self):
        self.done.append("end run")

    def ask_where(self):
        self.done.append("where")

    def kill(self, why=""):
        self.done.append("kill")
        self.why = why
        self.killed.set()

    async def end(self):
        self.done.append("end")

    def kill_for_violation(self, fault):
        self.fault = fault
        self.kill()

    def describe_end(self):
        return "it died"


class Telling(RunTelemetry):
    """Notes down what it is told, and may be broken."""

    def __init__(self):
        self.reports, self.steps, self.spans, self.handlers = [], [], [], []
        self.error = None

    def reported(self, run, value, limit, step):
        self.reports.append((run.job.job_id, value, limit, step))

    def step_over(self, run, step, span, error=None):
        self.steps.append((step, span, error))
        if self.error:
            raise self.error

    def handler_over(self, run, began, ended):
        self.handlers.append((run.job.job_id, began, ended))
        if self.error:
            raise self.error

    def span_over(self, run, span):
        self.spans.append(span)
        if self.error:
            raise self.error


class Case:
    """A run on a runner that only pretends."""

    def __init__(self, timeout=None, grace=0.02, **more):
        self.telling = Telling()
        self.refusal = None
        self.runner = PretendedRunner()
        self.stop = Stop()
        self.steps, self.reports = [], []
        self.hard, self.soft = boot_time() + 60, boot_time() + 50
        self.may_write = asyncio.Event()
        about = {
            "job": JobRow(job_id="j", kind="k", lock_name="l", attempt=1),
            "fence": 1,
            "parameters": "{}",
            "recorded": [],
            "state": None,
        }
        run = Run(
            **{**about, **more},
            stop=self.stop,
            hard_deadline=lambda: self.hard,
            soft_deadline=lambda: self.soft,
            record_step=self._record,
            save_state=self._record,
            report=lambda *report: self.reports.append(report),
        )
        self.supervision = Supervision(run, self.runner, timeout, grace, self.telling)
        self.task = asyncio.create_task(self.supervision.outcome())

    async def _record(self, step):
        await self.may_write.wait()
        if self.refusal is not None:
            raise self.refusal
        self.steps.append(step)

    async def say(self, message):
        await asyncio.sleep(0)
        self.runner.listener.heard(message)

    async def say_done(self, **fields):
        await self.say(messages.Done(run=1, **fields))

    async def say_step(self, span=None):
        step = messages.RecordStep(run=1, number=1, name="s", result="1", seconds=0, state=None, span=span)
        await self.say(step)

    async def die(self):
        await asyncio.sleep(0)
        self.runner.listener.died()

    async def outcome(self):
        async with asyncio.timeout(5):
            return await self.task
