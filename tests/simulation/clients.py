"""Those who submit and cancel: without an answer they ask again, with the same id, or ask twice at once."""

import asyncio
import json
import random
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from tests.simulation.callers import Callers
from tests.simulation.members import Publisher
from tests.simulation.runners import Script

from contracts import lock_names
from contracts.policies import JobPolicy, RetryPolicy
from contracts.statuses import JobStatus
from coordination.clients.cancellation import CancelTooLateError
from coordination.clients.job_writer import NoSuchJobError
from coordination.clients.submission import JobExistsError, NewJob
from coordination.ports import UnknownOutcomeError

if TYPE_CHECKING:
    from tests.simulation.world import World

T = TypeVar("T")

#: Seconds that a client waits for an answer.
_PATIENCE = 10.0


class Clients:
    """Submit jobs and cancel some of them."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._callers = Callers(world.seed)
        #: Draws who is tried again, apart from everything else that the seed decides.
        self._retrying = random.Random(f"retries of {world.seed}")
        self._share_retried = self._retrying.choice([0.0, 0.2, 0.6])
        self._under_way = 0
        #: Ids given out so far, in order.
        self.job_ids: list[str] = []
        #: What is asked for under each id, without its place in line.
        self._contents: dict[str, list[NewJob]] = {}

    @property
    def are_done(self) -> bool:
        """Whether no client waits for an answer, or will ask again."""
        return not self._under_way

    def plan(self) -> None:
        """Spread submissions and cancellations over the troubled time, some of them in bursts."""
        setting, draw = self._world.setting, self._world.randomness
        burst = draw.uniform(0.0, setting.troubled)
        for _ in range(setting.jobs):
            at = (
                draw.uniform(0.0, setting.troubled) if draw.random() < 0.6 else burst + draw.uniform(0.0, 0.2)
            )
            self.later(at, self.submit)
        for _ in range(setting.cancellations):
            self.later(draw.uniform(0.0, setting.troubled * 1.2), self.cancel_any)

    def later(self, seconds: float, ask: Callable[[], object]) -> None:
        """Have somebody ask for something after some seconds."""
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
        # The callers' own: they say nothing about who came first.
        job_id = str(uuid.UUID(int=draw.getrandbits(128), version=4))
        script = world.scripts[job_id] = script or self._with_attempts(self._drawn_script())
        new = NewJob(
            job_id=job_id,
            order="",
            kind=draw.choice(["known"] * 38 + ["rare", "unknown"]),
            lock_name=f"L{draw.randrange(world.setting.locks) if lock is None else lock}",
            parameters=self._drawn_parameters(),
            actor=self._callers.actor(),
            priority=draw.choice([5, 5, 5, 1, 9, 0, 4]) if priority is None else priority,
            policy=JobPolicy(retry=script.retry),
        )
        self._note(new)
        requests = 2 if draw.random() < 0.15 else 1
        if requests == 2:
            world.injected["same id twice at once"] += 1
        self._ask_for(new)
        if requests == 2:
            self._ask_for(replace(new, actor=self._callers.actor()))
        if draw.random() < 0.1:
            self.later(draw.choice([0.0, 0.0, 0.02, 3.0]), lambda: self.rival(job_id))
        return job_id

    def submit_alone(self, script: Script, lock: int, priority: int) -> str:
        """Submit a job of a kind that every worker knows, once, with no other client after its id."""
        draw = self._world.randomness
        job_id = str(uuid.UUID(int=draw.getrandbits(128), version=4))
        self._world.scripts[job_id] = script
        new = NewJob(job_id, "", "known", f"L{lock}", "{}", self._callers.actor(), priority=priority)
        self._note(new)
        self._ask_for(new)
        return job_id

    def _note(self, new: NewJob) -> None:
        self._world.history.asked.add(new.job_id)
        self.job_ids.append(new.job_id)

    def rival(self, job_id: str) -> None:
        """Submit something else under an id that is used already."""
        draw = self._world.randomness
        new = self._contents[job_id][0]
        other = draw.choice(
            [
                replace(new, lock_name=f"L{draw.randrange(self._world.setting.locks + 1)}"),
                replace(new, parameters=self._drawn_parameters()),
                replace(new, priority=draw.randrange(10)),
                replace(new, kind="rare" if new.kind == "known" else "known"),
                replace(new, name="another"),
            ]
        )
        if other not in self._contents[job_id]:
            self._world.injected["same id, other content"] += 1
            self._ask_for(replace(other, actor=self._callers.actor()))

    def _ask_for(self, new: NewJob) -> None:
        self._contents.setdefault(new.job_id, []).append(new)
        self._world.panel.register.asks(new)
        self._world.panel.callers.submits(new)
        self.spawn(self._insist(new))

    def parameters_of(self, job_id: str) -> str:
        """Return the parameters of the job that has this id, of all that were asked for."""
        registration = self._world.register.jobs.get(job_id)
        hashed = "" if registration is None else registration.request_hash
        return next(new.parameters for new in self._contents[job_id] if new.request_hash == hashed)

    def _drawn_script(self) -> Script:
        draw = self._world.randomness
        script = Script(
            steps=draw.choice([0, 1, 1, 2, 2, 3, 5, 9]),
            seconds=draw.uniform(0.05, 3.0),
            fails=draw.random() < 0.1,
            kills=draw.choice([0] * 18 + [1, 2, 3]),
            is_stubborn=draw.random() < 0.1,
            limit=draw.uniform(0.5, 20.0) if draw.random() < 0.05 else None,
            is_talkative=draw.random() < 0.3,
            saves=draw.random() < 0.2,
        )
        if draw.random() < 0.003:
            script.fells = draw.choice([3, 9, 10, 12])
        return script

    def _with_attempts(self, script: Script) -> Script:
        """Let some jobs be tried again, and fail in some of their attempts, at most in all."""
        draw = self._retrying
        if draw.random() >= self._share_retried:
            return script
        retry = RetryPolicy(
            draw.choice([1, 2, 3, 5]),
            draw.choice([0.0, 0.3, 2.0, 10.0]),
            draw.choice(["fixed", "exponential"]),
            draw.choice([5.0, 30.0]),
            draw.choice([0.0, 0.2, 1.0]),
            ("KeyError",),
            draw.random() < 0.3,
        )
        return replace(
            script,
            retry=retry,
            failures=draw.choice([0, 1, 1, 2, retry.attempts]),
            raises=draw.choice(["OSError"] * 9 + ["KeyError"]),
            retry_after=draw.choice([None, None, None, 0.0, 1.0, 20.0]),
        )

    def _drawn_parameters(self) -> str:
        """Draw parameters, some of which are too long for the job's row."""
        draw = self._world.randomness
        number = draw.randrange(1000)
        return json.dumps({"number": number, "text": "x" * (3000 if draw.random() < 0.05 else 3)})

    def cancel_any(self) -> None:
        """Cancel some job that was submitted lately."""
        if self.job_ids:
            self.cancel(self._world.randomness.choice(self.job_ids[-12:]))

    def cancel(self, job_id: str) -> None:
        """Ask for a job to be cancelled."""
        self.spawn(self._cancel(job_id))

    def spawn(self, work: Any) -> None:
        """Let a client do something until it is done."""
        self._under_way += 1
        task = self._world.loop.create_task(work, name="client", context=self._world.context.copy())
        task.add_done_callback(self._over, context=self._world.context)

    def _over(self, _: object) -> None:
        self._under_way -= 1

    async def _insist(self, content: NewJob) -> None:
        world, job_id = self._world, content.job_id
        partition = lock_names.partition(content.lock_name)
        for tries in range(8):
            publisher = world.randomness.choice(world.publishers)
            order = f"{int(world.loop.time() * 1000):012d}-{world.randomness.getrandbits(40):010x}"
            new = replace(content, order=order)
            try:
                await self.ask(publisher, lambda new=new, p=publisher: p.submitter.submit(new))  # type: ignore[misc]
            except JobExistsError as error:
                if error.same_request:
                    world.history.accepted[job_id] = partition
                    world.panel.register.accepted(new)
                elif not error.is_closed:
                    world.panel.register.refused(new, world.register.jobs.get(job_id))
                return
            except UnknownOutcomeError:
                world.injected["submission repeated"] += 1
                # The last of them long after, when the id may have been closed.
                await asyncio.sleep(world.randomness.uniform(0.5, 5.0) if tries < 6 else 100.0)
            else:
                world.history.accepted[job_id] = partition
                world.panel.register.accepted(new)
                return

    async def _cancel(self, job_id: str) -> None:
        world = self._world
        registration = world.register.jobs.get(job_id)
        if registration is None:
            return
        publisher = world.randomness.choice(world.publishers)
        actor, reason = self._callers.actor(), self._callers.reason()
        world.panel.callers.cancels(job_id, actor, reason)
        try:
            job = await self.ask(publisher, lambda: publisher.canceller.cancel(registration, actor, reason))
        except CancelTooLateError:
            world.observed["cancel: too late"] += 1
        except (UnknownOutcomeError, NoSuchJobError):
            world.observed["cancel: unknown"] += 1
        else:
            world.observed[f"cancel: {job.status}"] += 1
            world.panel.cancelled.add(job_id)
            if job.status == JobStatus.CANCELLED:
                world.history.cancelled.add(job_id)

    async def ask(self, publisher: Publisher, request: Callable[[], Awaitable[T]]) -> T:
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
