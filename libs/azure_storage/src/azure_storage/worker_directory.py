"""The worker directory in Table Storage: a row for each kind, each worker, each instance of a service."""

from typing import TypeVar

from azure_storage.connection import StorageConnection
from azure_storage.read_models.keys import name_key
from azure_storage.read_models.rows import document_row, read_document
from azure_storage.read_models.tables import Table, Tables
from contracts.jobs import Instance, Kind, Worker
from coordination.worker_directory import Listed

DocumentT = TypeVar("DocumentT", Kind, Worker, Instance)

#: Partitions of the tables: one in that of the kinds, two in that of the workers.
_KINDS, _WORKERS, _INSTANCES = "kinds", "workers", "instances"


class TableWorkerDirectory:
    """Implements `coordination.worker_directory.WorkerDirectory`."""

    def __init__(self, connection: StorageConnection, timeout: float = 5.0) -> None:
        self._tables = Tables(connection, timeout)

    async def publish_kind(self, kind: Kind) -> None:
        """Publish a kind that a worker knows."""
        await self._tables.upsert(Table.KINDS, [document_row(_KINDS, name_key(kind.kind), kind)])

    async def record_heartbeat(self, worker: Worker) -> None:
        """Record that a worker is alive."""
        await self._tables.upsert(Table.WORKERS, [document_row(_WORKERS, name_key(worker.worker), worker)])

    async def record_instance(self, instance: Instance) -> None:
        """Record that an instance of another service is alive."""
        await self._tables.upsert(
            Table.WORKERS, [document_row(_INSTANCES, _instance_key(instance), instance)]
        )

    async def kinds(self) -> list[Kind]:
        """Return all kinds that were published and not forgotten, by name."""
        found = [listed.document for listed in await self.listed_kinds()]
        return sorted(found, key=lambda kind: kind.kind)

    async def workers(self) -> list[Worker]:
        """Return the latest heartbeat of every worker, also of those that are gone, by name."""
        found = [listed.document for listed in await self.listed_workers()]
        return sorted(found, key=lambda worker: worker.worker)

    async def instances(self) -> list[Instance]:
        """Return the latest heartbeat of every instance, also of those that are gone, by service and name."""
        found = [listed.document for listed in await self.listed_instances()]
        return sorted(found, key=lambda each: (each.service, each.instance))

    async def listed_kinds(self) -> list[Listed[Kind]]:
        """Return all kinds with the versions of their rows."""
        return await self._listed(Table.KINDS, _KINDS, Kind)

    async def listed_workers(self) -> list[Listed[Worker]]:
        """Return the latest heartbeats of all workers with the versions of their rows."""
        return await self._listed(Table.WORKERS, _WORKERS, Worker)

    async def listed_instances(self) -> list[Listed[Instance]]:
        """Return the latest heartbeats of all instances with the versions of their rows."""
        return await self._listed(Table.WORKERS, _INSTANCES, Instance)

    async def forget_kind(self, kind: Kind, version: str) -> None:
        """Remove a kind that was not published again."""
        await self._tables.delete(Table.KINDS, _KINDS, name_key(kind.kind), version)

    async def forget_worker(self, worker: Worker, version: str) -> None:
        """Remove a worker that was not heard again."""
        await self._tables.delete(Table.WORKERS, _WORKERS, name_key(worker.worker), version)

    async def forget_instance(self, instance: Instance, version: str) -> None:
        """Remove an instance that was not heard again."""
        await self._tables.delete(Table.WORKERS, _INSTANCES, _instance_key(instance), version)

    async def _listed(
        self, table: Table, partition: str, document: type[DocumentT]
    ) -> list[Listed[DocumentT]]:
        rows = self._tables.every(table, "PartitionKey eq @partition", {"partition": partition})
        return [Listed(document.model_validate_json(read_document(row)), row.etag) async for row in rows]


def _instance_key(instance: Instance) -> str:
    return name_key(f"{instance.service}|{instance.instance}")
