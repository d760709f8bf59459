"""A world in which a test says what goes wrong, call by call, and when each run ends."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.unit.coordination.small_world import QuickClock

from contracts import identifiers, lock_names
from coordination.call_tracing import Took
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import NewJob, Submitter
from coordination.holder.dispatcher import LockDispatcher
from coordination.holder.living_workers import LivingWorkers
from coordination.holder.lock_server import WakeUpOutcome
from coordination.holder.policy import HolderSettings, Ports, WorkerPolicy
from coordination.holder.runs import Run
from coordination.holder.tenure import Tenure
from coordination.journal import rows
from coordination.journal.rows import JobRow, LockRow
from coordination.observations import Observation
from coordination.outcomes import Cancelled, Completed, Interrupted, Lost, Outcome, StopReason
from coordination.ports import WakeUp
from coordination.slot import Slot
from coordination.testing.faults import Calls
from coordination.testing.memory import InMemoryJournal, InMemoryLeases, InMemoryNotifier, InMemoryRegister
from coordination.times import LeaseTimes

AnswerT = TypeVar("AnswerT")
ObservationT = TypeVar("ObservationT")

TIMES = LeaseTimes.of(15)

#: What happens to a call: nothing, a delay in seconds, an error, or what a function does meanwhile.
Disturbance = float | Exception | Callable[[], Awaitable[Any]] | None

#: The action that is under way.
_action: ContextVar[Took | None] = ContextVar("action", default=None)


@contextmanager
def trace_calls() -> Iterator[Took]:
    """Gather the names of the calls of an action."""
    took = Took()
    token = _action.set(took)
    try:
        yield took
    finally:
        _action.reset(token)


@dataclass(frozen=True)
class Call:
    """A call of the storage or the broker, as it was sent."""

    name: str
    at: float
    timeout: float


class Network(Calls):
    """Notes all calls, and disturbs the next ones of a name as a test asks."""

    def __init__(self, clock: QuickClock) -> None:
        super().__init__(self._disturb)
        self._clock = clock
        self._disturbances: dict[tuple[str, str], list[Disturbance]] = defaultdict(list)
        self.calls: list[Call] = []

    def before(self, name: str, *disturbances: Disturbance) -> None:
        """Disturb the next calls of a name, each by one of these, before they are carried out."""
        self._disturbances["before", name] = list(disturbances)

    def after(self, name: str, *disturbances: Disturbance) -> None:
        """Disturb the next calls of a name, each by one of these, after they were carried out."""
        self._disturbances["after", name] = list(disturbances)

    def sent(self, name: str) -> list[Call]:
        """Return the calls of a name."""
        return [call for call in self.calls if call.name == name]

    def times(self, name: str) -> list[float]:
        """Return when the calls of a name were sent."""
        return [call.at for call in self.sent(name)]

    async def carry_out(self, name: str, action: Callable[[], AnswerT], timeout: float = 2.0) -> AnswerT:
        self.calls.append(Call(name, self._clock.boot(), timeout))
        took = _action.get()
        if took is not None:
            took.calls.append(name)
        return await super().carry_out(name, action, timeout)

    async def _disturb(self, when: str, name: str) -> None:
        await asyncio.sleep(0)
        left = self._disturbances[when, name]
        disturbance = left.pop(0) if left else None
        if isinstance(disturbance, Exception):
            raise disturbance
        if isinstance(disturbance, int | float):
            await self._clock.sleep(disturbance)
        elif disturbance is not None:
            await disturbance()


class Runs:
    """An executor whose runs end when the test says so, or when they are told to stop."""

    def __init__(self) -> None:
        self.started: list[Run] = []
        self._ends: list[asyncio.Future[Outcome]] = []

    @property
    def jobs(self) -> list[str]:
        """Return the ids of the jobs that were started, in order."""
        return [run.job.job_id for run in self.started]

    def end(self, outcome: Outcome | None = None, index: int = -1) -> None:
        """End a run: the one started last, unless another one is asked for."""
        self._ends[index].set_result(outcome or Completed())

    async def execute(self, run: Run) -> Outcome:
        self.started.append(run)
        end: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._ends.append(end)
        stop = asyncio.ensure_future(run.stop.wait())
        either: list[asyncio.Future[Any]] = [end, stop]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if end.done():
            return end.result()
        match run.stop.reason:
            case StopReason.SHUTDOWN:
                return Interrupted("the worker is stopping")
            case StopReason.CANCELLED:
                return Cancelled()
            case _:
                return Lost()


class Setting:
    """One event loop with a storage, a broker, and the workers that a test makes."""

    def __init__(self, times: LeaseTimes = TIMES) -> None:
        self.times = times
        self.clock = QuickClock()
        self.network = Network(self.clock)
        self.leases = InMemoryLeases(self.clock, self.network)
        self.journal = InMemoryJournal(self.network)
        self.register = InMemoryRegister(self.network)
        self.notifier = InMemoryNotifier(self.network)
        self.ports = Ports(self.leases, self.journal, self.notifier, self.clock, trace_calls=trace_calls)
        self.observed: list[Observation] = []
        self.runs = Runs()
        self._background: list[asyncio.Task[None]] = []

    def worker(
        self,
        name: str = "w1",
        knows: Callable[[str], bool] = lambda _: True,
        places: Callable[[], int] | None = None,
        pools: Sequence[str] = ("default",),
        properties: Mapping[str, str] | None = None,
        living: LivingWorkers | None = None,
        **policy: Any,
    ) -> LockDispatcher:
        """Make a worker; `policy` is how it treats its locks."""
        return LockDispatcher(
            self.ports,
            HolderSettings(name, self.times, pools=pools, properties=properties or {}),
            WorkerPolicy(**{"capacity": 2} | policy),
            self.runs,
            knows,
            self.observed.append,
            places,
            living,
        )

    def tenure(self, worker: str = "w1", lock: str = "L", **settings: Any) -> Tenure:
        """Make a tenure that holds nothing yet."""
        return Tenure(
            Slot(lock), self.ports, HolderSettings(worker, self.times, **settings), self.observed.append
        )

    async def hold(self, worker: str = "w1", lock: str = "L") -> tuple[Tenure, Run]:
        """Acquire a lock and start the job whose turn it is."""
        tenure = self.tenure(worker, lock)
        await tenure.keeper.acquire()
        run = await tenure.take_over(lambda _: True)
        assert run is not None
        return tenure, run

    async def hold_elsewhere(self, lock: str = "L") -> None:
        """Hold a lock's lease for a minute, as another worker."""
        await self.leases.acquire(lock_names.partition(lock), 60, "another's", 1)

    async def release_elsewhere(self, lock: str = "L") -> None:
        """Release a lock's lease, as that worker."""
        await self.leases.release(lock_names.partition(lock), "another's", 1)

    async def submit(self, lock: str = "L", **more: Any) -> str:
        """Submit a job, and lose its wake-up."""
        job_id = identifiers.new_id()
        new = {"order": identifiers.new_id(), "kind": "kind", "parameters": "{}", "actor": "ann"} | more
        await Submitter(self.register, JobWriter(self.journal, self.notifier, self.clock)).submit(
            NewJob(job_id=job_id, lock_name=lock, **new)
        )
        self.notifier.take_wake_ups()
        return job_id

    async def notify(self, worker: LockDispatcher, wake_up: WakeUp | None = None) -> WakeUpOutcome:
        """Have a worker answer a wake-up (for lock L, unless another one is given), and do what follows."""
        answer = await worker.answer(wake_up or WakeUp("L"))
        await self.clock.settle()
        return answer

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do work in the background until `close`."""
        self._background.append(asyncio.create_task(work))

    async def begin_to_stop(self, worker: LockDispatcher) -> asyncio.Task[None]:
        """Stop a worker, and leave its run more time than any test takes."""
        stopping = asyncio.create_task(worker.stop(60))
        while not worker.is_stopping:  # noqa: ASYNC110 - the first thing that it does
            await asyncio.sleep(0)
        return stopping

    async def end(self, outcome: Outcome | None = None) -> None:
        """End the run started last, and let the worker do what follows."""
        self.runs.end(outcome)
        await self.clock.settle()

    def job(self, job_id: str, lock: str = "L") -> JobRow:
        """Return a job as it stands in the journal."""
        return JobRow.from_row(self.journal.partitions[lock_names.partition(lock)][rows.job_key(job_id)])

    def lock(self, lock: str = "L") -> LockRow:
        """Return the row of a lock."""
        return LockRow.from_row(self.journal.partitions[lock_names.partition(lock)][rows.lock_key()])

    def seen(self, kind: type[ObservationT]) -> list[ObservationT]:
        """Return what was observed of a kind."""
        return [seen for seen in self.observed if isinstance(seen, kind)]

    async def close(self) -> None:
        """End every task that is left, as the end of a process would."""
        for _ in range(10):
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            if not left:
                return
            await self.clock.advance(60)
