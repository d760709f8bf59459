"""Publishes the kinds that this worker knows, and takes out of the directory what is not there any more."""

import asyncio
from collections.abc import Callable, Mapping

from contracts.jobs import Kind, Worker
from coordination.forgetting import is_kind_gone, is_published_by, is_row_outdated
from coordination.ports import Clock
from coordination.worker_directory import WorkerDirectory
from worker.execution import KindInfo


class KindAnnouncer:
    """Announces kinds; every call raises UnknownOutcomeError."""

    def __init__(
        self, directory: WorkerDirectory, clock: Clock, kinds: Callable[[], Mapping[str, KindInfo]]
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._kinds = kinds

    async def announce(self, name: str) -> None:
        """Publish the kinds with their schemas, for the publisher to validate by, and forget others.

        The worker of this name has a row that lists its kinds: so no other worker can take one of them for
        forgotten that is published here a moment later.
        """
        # The kinds before the workers: one that is published in between has another version.
        listed = await self._directory.listed_kinds()
        processes = await self._directory.listed_workers()
        now = self._clock.now()
        workers = [process.document for process in processes]
        me = next((worker for worker in workers if worker.worker == name), None)
        if me is None:
            return  # it is being stopped, and its row is not there yet or not any more
        await self._publish(me, workers)
        for kind in listed:
            if is_kind_gone(kind.document, workers, now):
                await self._directory.forget_kind(kind.document, kind.version)
        for process in processes:
            if is_row_outdated(process.document, now):
                await self._directory.forget_worker(process.document, process.version)
        for instance in await self._directory.listed_instances():
            if is_row_outdated(instance.document, now):
                await self._directory.forget_instance(instance.document, instance.version)

    async def _publish(self, me: Worker, workers: list[Worker]) -> None:
        now = self._clock.now()
        kinds = [
            Kind(
                kind=info.kind,
                description=info.description,
                parameters=dict(info.parameters_schema),
                policy=info.policy,
                lock_template=info.lock_template,
                published_at=now,
            )
            for info in self._kinds().values()
            if is_published_by(me, info.kind, workers, now)
        ]
        # Together: the directory writes in one transaction what is asked for at once.
        await asyncio.gather(*map(self._directory.publish_kind, kinds))
