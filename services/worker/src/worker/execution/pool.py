"""The pool of runners: processes started ahead, reused from job to job, replaced when they die."""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from contracts.telemetry import attributes as at
from coordination.holder.runs import Run
from coordination.outcomes import Failed, Interrupted, Outcome, StopReason
from worker.execution import history
from worker.execution.deadline_table import DeadlineTable, boot_time
from worker.execution.enforcer_watch import EnforcerWatch
from worker.execution.environment import scrubbed, withheld
from worker.execution.errors import RunnerStartError
from worker.execution.idle_runners import IdleRunners
from worker.execution.kind_info import KindInfo
from worker.execution.orphans import Orphans
from worker.execution.pool_code import PoolCode
from worker.execution.process_limits import adopt_orphans
from worker.execution.run_supervision import Supervision
from worker.execution.run_telemetry import RunTelemetry
from worker.execution.runner_options import RunnerOptions
from worker.execution.runner_process import RunnerProcess
from worker.execution.runner_starter import RunnerStarter
from worker.execution.time_limits import limits_of
from worker.execution.unstarted import unstarted

logger = logging.getLogger("turnstile.execution")

_WATCH_SECONDS = 0.5


class RunnerPool:
    """Executes runs, up to `size` at a time, each in a process of its own.

    `jobs_modules` are imported by the runners only. A handler that was asked to stop is killed after
    `cancel_grace_seconds`. `memory_limit_bytes` bounds the private memory of a runner, and one that has more
    than `reuse_limit_bytes` after a job is replaced (runner_reuse.ReuseRules). `environment` is what runners
    get to see, without credentials; by default this process's own. `telemetry` receives what happens to runs,
    and handlers' spans if the runners are traced (`is_traced`), which takes them some memory. `redact` masks
    the secrets in the text of a handler's error, which is kept and shown.
    At most `starts_at_once` runners load their jobs at the same time (default: one for each processor); each,
    and each run that waits for one, is given `start_timeout_seconds`.

    Must be started in the process's main thread: runners die with the thread that started them.
    """

    def __init__(
        self,
        size: int,
        jobs_modules: Sequence[str],
        cancel_grace_seconds: float = 10.0,
        memory_limit_bytes: int | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        reuse_limit_bytes: int | None = None,
        start_timeout_seconds: float = 60.0,
        starts_at_once: int | None = None,
        log_level: int = logging.INFO,
        telemetry: RunTelemetry | None = None,
        is_traced: bool = False,
        redact: Callable[[str], str] = str,
    ) -> None:
        if size < 1:
            raise ValueError("a runner pool needs at least one runner")
        self.size = size
        self._grace = cancel_grace_seconds
        self._start_timeout = start_timeout_seconds
        self._starts = RunnerStarter(self._start_runner, starts_at_once or os.cpu_count() or 1)
        self._telemetry = telemetry or RunTelemetry()
        self._redact = redact
        if environment is None:
            environment = os.environ  # noqa: TID251 - handed on to children, not read
        self._withheld = withheld(environment)
        self._options = RunnerOptions(
            tuple(jobs_modules),
            memory_limit_bytes,
            scrubbed(environment),
            log_level,
            is_traced,
            reuse_limit_bytes,
        )
        self._code = PoolCode()
        self._runners: set[RunnerProcess] = set()
        self._idle = IdleRunners()
        self._supervisions: set[Supervision] = set()
        self._is_started = self._is_stopping = False

    async def start(self) -> None:
        """Start the deadline enforcer and the runners, and return as soon as one job could run.

        Raises RunnerStartError, which names the jobs module and the reason, or EnforcerStartError.
        """
        if self._withheld:
            about: dict[str, object] = {at.WITHHELD: ", ".join(self._withheld)}
            logger.info("environment variables withheld from handlers", extra=about)
        adopt_orphans()
        self._orphans = Orphans()
        self._is_started = True
        self._changed = asyncio.Event()
        self._table = DeadlineTable(self.size)
        self._enforcer = EnforcerWatch(self._table, self._changed.set)
        starting = self._enforcer.start(self._start_timeout), self._start_runner(is_first=True)
        try:
            await asyncio.gather(*starting)
        except BaseException:
            await self.stop()
            raise
        for _ in range(self.size - 1):
            self._starts.begin()

    async def stop(self) -> None:
        """Kill all runners, busy or not, and the deadline enforcer. Runs in progress end as interrupted."""
        if not self._is_started or self._is_stopping:
            return
        self._is_stopping = True
        await self._starts.stop()
        for supervision in self._supervisions:
            supervision.abandon()
        idle = [runner.end_in_order("the worker is being stopped") for runner in self._idle]
        await asyncio.gather(*idle, *(runner.end() for runner in self._runners.difference(self._idle)))
        await self._enforcer.stop()
        self._table.close()
        self._changed.set()

    def kinds(self) -> dict[str, KindInfo]:
        """Return the kinds that the runners have loaded."""
        return dict(self._code.kinds)

    @property
    def alive(self) -> int:
        """How many runners there are, busy or not."""
        return len(self._runners)

    @property
    def idle(self) -> int:
        """How many runs could start at once."""
        # Metrics may be asked for before the pool is started.
        return len(self._idle) if self._is_started and self._enforcer.is_ready else 0

    @property
    def places(self) -> int:
        """How many runs may start at the same time: fewer than `size` while runners cannot be started."""
        if self._enforcer.is_failing:
            return 0
        return self.size if self._starts.failure is None else len(self._runners)

    async def watch(self, places_changed: Callable[[], None], patience_seconds: float | None = None) -> None:
        """Call back when `places` changes; raise RunnerStartError when no run could start for that long.

        By default that is the time of three starts, and 180 s at least. Raises CodeChangedError when the code
        on disk is not that of the runners any more and a runner could not be replaced for that reason.
        """
        if patience_seconds is None:
            patience_seconds = max(180.0, 3 * self._start_timeout)
        known, silent = self.places, 0.0
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            if self._code.change is not None:
                raise self._code.change
            if self.places != known:
                known = self.places
                places_changed()
            # Counted, as a process that was stopped has not been trying.
            silent = 0.0 if self._runners and self._enforcer.is_ready else silent + _WATCH_SECONDS
            if silent >= patience_seconds:
                raise RunnerStartError(f"no runner for {silent:g} s, last: {self._starts.failure}")

    async def execute(self, run: Run) -> Outcome:
        """Run the job's handler to its end. Never raises; cancelling it kills the handler."""
        info = self._code.kinds.get(run.job.kind)
        if info is None:
            loaded = ", ".join(sorted(self._code.kinds)) or "none"
            return Failed(
                "UnknownKind", f"no handler for kind {run.job.kind!r} is loaded here; loaded: {loaded}"
            )
        refusal = history.refusal(run, self._options.memory_limit_bytes)
        if refusal is not None:
            return refusal
        runner = await self._obtain(run, info)
        if not isinstance(runner, RunnerProcess):
            return runner
        limits = limits_of(run.job, info.timeout, self._grace)
        supervision = Supervision(run, runner, limits.timeout, limits.grace, self._telemetry)
        self._supervisions.add(supervision)
        try:
            return self._redacted(await supervision.outcome())
        finally:
            self._supervisions.discard(supervision)
            if supervision.is_reusable and runner.is_alive:
                if supervision.replace_because:
                    self._idle.end(runner, supervision.replace_because)
                else:
                    self._release(runner)

    def _redacted(self, outcome: Outcome) -> Outcome:
        if not isinstance(outcome, Failed):
            return outcome
        message, traceback = self._redact(outcome.message), self._redact(outcome.traceback)
        return replace(outcome, message=message, traceback=traceback)

    async def _obtain(self, run: Run, info: KindInfo) -> RunnerProcess | Outcome:
        """Take an idle runner, or return why the run has ended before one was found."""
        clock, began = asyncio.get_running_loop().time, asyncio.get_running_loop().time()
        while True:
            if self._is_stopping:
                return Interrupted("the worker is shutting down")
            if run.stop.reason is not None:
                return unstarted(run.stop.reason)
            if boot_time() >= run.soft_deadline():
                return unstarted(StopReason.DEADLINE)
            if self._enforcer.is_ready and self._idle:
                runner = self._idle.take(fresh=info.wants_fresh_process)
                if runner is not None:
                    return runner
                self._replace_for(info)
            # While others start, its turn may come.
            if clock() - max(began, self._starts.succeeded_at) >= self._start_timeout:
                return Interrupted(f"there was no runner for {self._start_timeout:g} s")
            self._changed.clear()
            waits = {asyncio.create_task(self._changed.wait()), asyncio.create_task(run.stop.wait())}
            try:
                await asyncio.wait(waits, timeout=0.25, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()

    def _replace_for(self, info: KindInfo) -> None:
        """End an idle runner, so that another is started, unless that happens already."""
        if len(self._runners) == self.size and not any(runner.is_unwanted for runner in self._runners):
            self._idle.end_oldest(f"a job of kind {info.kind!r} needs a process that has run no job")

    def _release(self, runner: RunnerProcess) -> None:
        self._idle.add(runner)
        self._changed.set()

    async def _start_runner(self, *, is_first: bool = False) -> None:
        if not is_first:
            await self._code.check()
        runner = RunnerProcess(self._options, self._table, self._orphans, self._exited)
        try:
            hello = await runner.started(self._start_timeout)
            await self._code.accept(hello)
        except BaseException:
            await asyncio.shield(runner.end())
            raise
        if not runner.is_alive:
            raise RunnerStartError(runner.describe_end())
        self._runners.add(runner)
        self._release(runner)

    def _exited(self, runner: RunnerProcess) -> None:
        if runner not in self._runners:
            return  # it has not started; its start raises the error
        self._runners.discard(runner)
        self._idle.discard(runner)
        if not self._is_stopping:
            level = logging.INFO if runner.is_unwanted else logging.WARNING
            about: dict[str, object] = {at.RUNNER_PID: runner.pid, at.REASON: runner.describe_end()}
            logger.log(level, "runner exited", extra=about)
            self._telemetry.runner_replaced("ended" if runner.is_unwanted else "died")
            self._starts.begin()
