"""A run as the pool sees it, without any lease or journal behind it."""

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from coordination.holder.runs import Run, StepDone, StepRecord, Stop
from coordination.journal.rows import JobRow
from coordination.outcomes import Outcome, StopReason
from worker.execution import RunnerPool
from worker.execution.deadline_table import boot_time

JOBS = "tests.integration.execution.misbehaving_jobs"
ROOT = Path(__file__).parents[3]


def environment() -> dict[str, str]:
    """The environment of a worker that holds credentials."""
    secrets = {"TURNSTILE_RABBITMQ_URL": "amqp://guest:guest@localhost", "AZURE_CLIENT_SECRET": "s"}
    return {**os.environ, "PYTHONPATH": str(ROOT), **secrets}


@dataclass
class FakeRun:
    """Keeps what is written for a run in memory; its deadlines can be moved."""

    kind: str
    parameters: dict[str, object] = field(default_factory=dict)
    attempt: int = 1
    recorded: list[StepRecord] = field(default_factory=list)
    state: str | None = None
    hard: float = field(default_factory=lambda: boot_time() + 100)
    soft: float = field(default_factory=lambda: boot_time() + 90)
    stop: Stop = field(default_factory=Stop)
    steps: list[StepDone] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    reports: list[tuple[float | None, float | None, str]] = field(default_factory=list)
    reported: asyncio.Event = field(default_factory=asyncio.Event)
    traceparent: str | None = None
    timeout: float | None = None
    #: JSON object.
    properties: str = "{}"
    #: What earlier attempts showed last, and its limit.
    progress: tuple[float | None, float | None] = None, None
    #: Called before anything is written, for faults.
    before_write: Callable[[], object] = lambda: None
    #: Everything written waits for this.
    may_write: asyncio.Event = field(default_factory=asyncio.Event)
    #: How often the pool has read the hard deadline.
    readings: int = 0

    def __post_init__(self) -> None:
        self.may_write.set()

    def run(self) -> Run:
        """Return the run."""
        return Run(
            job=JobRow(
                job_id=f"job-{self.kind}",
                kind=self.kind,
                lock_name="lock",
                attempt=self.attempt,
                traceparent=self.traceparent,
                timeout=self.timeout,
                properties=self.properties,
                progress_value=self.progress[0],
                progress_limit=self.progress[1],
            ),
            fence=7,
            parameters=json.dumps(self.parameters),
            recorded=self.recorded,
            state=self.state,
            stop=self.stop,
            hard_deadline=self._hard_deadline,
            soft_deadline=lambda: self.soft,
            record_step=self._record_step,
            save_state=self._save_state,
            report=self._report,
        )

    async def on(self, pool: RunnerPool) -> Outcome:
        """Execute it, within reason."""
        async with asyncio.timeout(60):
            return await pool.execute(self.run())

    async def started_on(self, pool: RunnerPool) -> asyncio.Task[Outcome]:
        """Execute it in a task; return when its handler shows progress, or when it has ended without."""
        task = asyncio.create_task(self.on(pool))
        waiting = asyncio.create_task(self.reported.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        return task

    async def stopped_on(self, pool: RunnerPool, reason: StopReason) -> Outcome:
        """Execute it, and stop it as soon as its handler shows progress."""
        task = await self.started_on(pool)
        self.stop.request(reason)
        return await task

    def next_attempt(self) -> "FakeRun":
        """Return the run that goes on with what this one left."""
        records = [StepRecord(step.name, step.result, step.naming) for step in self.steps]
        states = self.states + [step.state for step in self.steps if step.state is not None]
        return FakeRun(
            self.kind,
            self.parameters,
            self.attempt + 1,
            self.recorded + records,
            states[-1] if states else self.state,
            traceparent=self.traceparent,
        )

    def _hard_deadline(self) -> float:
        self.readings += 1
        return self.hard

    async def _record_step(self, step: StepDone) -> None:
        await self.may_write.wait()
        self.before_write()
        self.steps.append(step)

    async def _save_state(self, state: str) -> None:
        await self.may_write.wait()
        self.before_write()
        self.states.append(state)

    def _report(self, value: float | None, limit: float | None, step: str) -> None:
        self.reports.append((value, limit, step))
        self.reported.set()


def runners(pool: RunnerPool) -> set[int]:
    """Return the process ids of the pool's runners."""
    return {runner.pid for runner in pool._runners}


def busy_runners(pool: RunnerPool) -> set[int]:
    """Return the process ids of the runners that run a job."""
    return runners(pool) - {runner.pid for runner in pool._idle}


def enforcer(pool: RunnerPool) -> int | None:
    """Return the process id of the pool's deadline enforcer; None while there is none that is ready."""
    return pool._enforcer.pid if pool._enforcer.is_ready else None


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
