"""Those who submit and cancel: without an answer they ask again, with the same id, or ask twice at once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from tests.simulation.members import Publisher
from tests.simulation.runners import Script

from contracts import lock_names
from contracts.statuses import JobStatus
from coordination.cancellation import CancelTooLateError, NoSuchJobError
from coordination.ports import UnknownOutcomeError
from coordination.submission import JobExistsError, NewJob

if TYPE_CHECKING:
    from tests.simulation.world import World

T = TypeVar("T")

#: Seconds that a client waits for an answer.
_PATIENCE = 10.0


class Clients:
    """Submit jobs and cancel some of them."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._under_way = 0
        self._submitted = 0
        #: Ids given out so far, in order.
        self.job_ids: list[str] = []

    @property
    def are_done(self) -> bool:
        """Whether nobody waits for an answer, or will ask again."""
        return not self._under_way

    def plan(self) -> None:
        """Spread submissions and cancellations over the troubled time, some of them in bursts."""
        setting, draw = self._world.setting, self._world.randomness
        burst = draw.uniform(0.0, setting.troubled)
        for _ in range(setting.jobs):
            at = (
                draw.uniform(0.0, setting.troubled) if draw.random() < 0.6 else burst + draw.uniform(0.0, 0.2)
            )
            self._later(at, self.submit)
        for _ in range(setting.cancellations):
            self._later(draw.uniform(0.0, setting.troubled * 1.2), self.cancel_any)

    def _later(self, seconds: float, ask: Callable[[], object]) -> None:
        self._under_way += 1

        def asked() -> None:
            self._under_way -= 1
            ask()

        self._world.loop.call_later(seconds, asked, context=self._world.context)

    def submit(
        self, script: Script | None = None, lock: int | None = None, priority: int | None = None
    ) -> str:
        """Submit a job, drawn unless given, from now on until it is accepted or the client gives up."""
        world, draw = self._world, self._world.randomness
        self._submitted += 1
        job_id = f"00000000-0000-7000-8000-{self._submitted:012x}"
        world.scripts[job_id] = script or Script(
            steps=draw.choice([0, 1, 1, 2, 2, 3, 5, 9]),
            seconds=draw.uniform(0.05, 3.0),
            fails=draw.random() < 0.1,
            kills=draw.choice([0] * 12 + [1, 3]),
            is_stubborn=draw.random() < 0.1,
        )
        lock_name = f"L{draw.randrange(world.setting.locks) if lock is None else lock}"
        kind = draw.choice(["known"] * 38 + ["rare", "unknown"])
        drawn = draw.choice([5, 5, 5, 1, 9])
        priority = drawn if priority is None else priority
        world.history.asked.add(job_id)
        self.job_ids.append(job_id)
        requests = 2 if draw.random() < 0.15 else 1
        if requests == 2:
            world.injected["same id twice at once"] += 1
        for _ in range(requests):
            self._spawn(self._insist(job_id, kind, lock_name, priority))
        return job_id

    def cancel_any(self) -> None:
        """Cancel some job that was submitted lately."""
        if self.job_ids:
            self.cancel(self._world.randomness.choice(self.job_ids[-12:]))

    def cancel(self, job_id: str) -> None:
        """Ask for a job to be cancelled."""
        self._spawn(self._cancel(job_id))

    def _spawn(self, work: Any) -> None:
        self._under_way += 1
        task = self._world.loop.create_task(work, name="client", context=self._world.context.copy())
        task.add_done_callback(self._over, context=self._world.context)

    def _over(self, _: object) -> None:
        self._under_way -= 1

    async def _insist(self, job_id: str, kind: str, lock_name: str, priority: int) -> None:
        world = self._world
        partition = lock_names.partition(lock_name)
        for tries in range(8):
            publisher = world.randomness.choice(world.publishers)
            order = f"{int(world.loop.time() * 1000):012d}-{world.randomness.getrandbits(40):010x}"
            new = NewJob(job_id, order, kind, lock_name, "{}", "client", priority=priority)
            try:
                await self._ask(publisher, lambda new=new, p=publisher: p.submitter.submit(new))  # type: ignore[misc]
            except JobExistsError as error:
                if error.same_request:
                    world.history.accepted[job_id] = partition
                return
            except UnknownOutcomeError:
                world.injected["submission repeated"] += 1
                # The last of them long after, when the id may have been closed.
                await asyncio.sleep(world.randomness.uniform(0.5, 5.0) if tries < 6 else 100.0)
            else:
                world.history.accepted[job_id] = partition
                return

    async def _cancel(self, job_id: str) -> None:
        world = self._world
        registration = world.journal.registration(job_id)
        if registration is None:
            return
        publisher = world.randomness.choice(world.publishers)
        try:
            job = await self._ask(publisher, lambda: publisher.canceller.cancel(registration, "client"))
        except CancelTooLateError:
            world.observed["cancel: too late"] += 1
        except (UnknownOutcomeError, NoSuchJobError):
            world.observed["cancel: unknown"] += 1
        else:
            world.observed[f"cancel: {job.status}"] += 1
            if job.status == JobStatus.CANCELLED:
                world.history.cancelled.add(job_id)

    async def _ask(self, publisher: Publisher, request: Callable[[], Awaitable[T]]) -> T:
        """Have a publisher do something; its death, or a long silence, leaves its client without answer."""
        if publisher.process.is_dead:
            await asyncio.sleep(0.05)
            raise UnknownOutcomeError

        async def serve() -> T:
            return await request()

        serving = publisher.process.spawn(serve())
        done, _ = await asyncio.wait([serving], timeout=_PATIENCE)
        if not done or serving.cancelled():
            raise UnknownOutcomeError
        return serving.result()  # type: ignore[no-any-return]
