"""A worker directory in memory, which also says what a real adapter must do."""

from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

from contracts.jobs import Drain, Instance, Kind, Worker
from coordination.testing.faults import Calls, Fault
from coordination.worker_directory import Listed

KeyT = TypeVar("KeyT", bound=Hashable)
DocumentT = TypeVar("DocumentT", Kind, Worker, Instance)


class InMemoryWorkerDirectory:
    """Implements WorkerDirectory. A test may look at, and change, what is in it."""

    def __init__(self, faults: Fault | Calls | None = None) -> None:
        self.calls = Calls.of(faults)
        self.known_kinds: dict[str, Kind] = {}
        self.heartbeats: dict[str, Worker] = {}
        #: By service and name.
        self.known_instances: dict[tuple[str, str], Instance] = {}

    async def publish_kind(self, kind: Kind) -> None:
        """Publish a kind, in place of what was published of it before."""
        await self.calls.carry_out(
            "directory.publish_kind", lambda: self.known_kinds.update({kind.kind: kind})
        )

    async def record_heartbeat(self, worker: Worker) -> Drain | None:
        """Record that a worker is alive; returns the order that stands for it."""

        def action() -> Drain | None:
            before = self.heartbeats.get(worker.worker)
            drain = before.drain if before is not None else None
            self.heartbeats[worker.worker] = worker.model_copy(update={"drain": drain})
            return drain

        return await self.calls.carry_out("directory.record_heartbeat", action)

    async def order(self, worker: str, drain: Drain | None) -> Worker | None:
        """Order a worker to take no new jobs, or to take them again; return it as it is now."""

        def action() -> Worker | None:
            known = self.heartbeats.get(worker)
            if known is None or (drain is not None and known.drain is not None):
                return known
            self.heartbeats[worker] = known.model_copy(update={"drain": drain})
            return self.heartbeats[worker]

        return await self.calls.carry_out("directory.order", action)

    async def record_instance(self, instance: Instance) -> None:
        """Record that an instance of another service is alive."""
        key = instance.service, instance.instance
        await self.calls.carry_out(
            "directory.record_instance", lambda: self.known_instances.update({key: instance})
        )

    async def kinds(self) -> list[Kind]:
        """Return all kinds that were ever published, by name."""
        return await self.calls.carry_out(
            "directory.kinds", lambda: [kind for _, kind in sorted(self.known_kinds.items())]
        )

    async def workers(self) -> list[Worker]:
        """Return the latest heartbeat of every worker, by name."""
        return await self.calls.carry_out(
            "directory.workers", lambda: [worker for _, worker in sorted(self.heartbeats.items())]
        )

    async def instances(self) -> list[Instance]:
        """Return the latest heartbeat of every instance, by service and name."""
        return await self.calls.carry_out(
            "directory.instances", lambda: [each for _, each in sorted(self.known_instances.items())]
        )

    async def listed_kinds(self) -> list[Listed[Kind]]:
        """Return all kinds; the version of a row is its text."""
        return await self.calls.carry_out("directory.kinds", lambda: _listed(self.known_kinds))

    async def listed_workers(self) -> list[Listed[Worker]]:
        """Return the latest heartbeats of all workers."""
        return await self.calls.carry_out("directory.workers", lambda: _listed(self.heartbeats))

    async def listed_instances(self) -> list[Listed[Instance]]:
        """Return the latest heartbeats of all instances."""
        return await self.calls.carry_out("directory.instances", lambda: _listed(self.known_instances))

    async def forget_kind(self, kind: Kind, version: str) -> None:
        """Remove a kind that was not published again."""
        await self.calls.carry_out("directory.forget", _forgetting(self.known_kinds, kind.kind, version))

    async def forget_worker(self, worker: Worker, version: str) -> None:
        """Remove a worker that was not heard again."""
        await self.calls.carry_out("directory.forget", _forgetting(self.heartbeats, worker.worker, version))

    async def forget_instance(self, instance: Instance, version: str) -> None:
        """Remove an instance that was not heard again."""
        key = instance.service, instance.instance
        await self.calls.carry_out("directory.forget", _forgetting(self.known_instances, key, version))


def _listed(rows: Mapping[KeyT, DocumentT]) -> list[Listed[DocumentT]]:
    return [Listed(document, document.model_dump_json()) for document in rows.values()]


def _forgetting(rows: dict[KeyT, DocumentT], key: KeyT, version: str) -> Callable[[], None]:
    def forget() -> None:
        if key in rows and rows[key].model_dump_json() == version:
            del rows[key]

    return forget
