"""The worker directory in Table Storage: a row for each kind, each worker, each instance of a service."""

from collections.abc import AsyncIterator

from azure_storage.connection import StorageConnection
from azure_storage.read_models.keys import name_key
from azure_storage.read_models.rows import document_row, read_document
from azure_storage.read_models.tables import Table, Tables
from contracts.jobs import Instance, Kind, Worker

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
        key = name_key(f"{instance.service}|{instance.instance}")
        await self._tables.upsert(Table.WORKERS, [document_row(_INSTANCES, key, instance)])

    async def kinds(self) -> list[Kind]:
        """Return all kinds that were ever published, by name."""
        found = [Kind.model_validate_json(text) async for text in self._documents(Table.KINDS, _KINDS)]
        return sorted(found, key=lambda kind: kind.kind)

    async def workers(self) -> list[Worker]:
        """Return the latest heartbeat of every worker, also of those that are gone, by name."""
        texts = self._documents(Table.WORKERS, _WORKERS)
        found = [Worker.model_validate_json(text) async for text in texts]
        return sorted(found, key=lambda worker: worker.worker)

    async def instances(self) -> list[Instance]:
        """Return the latest heartbeat of every instance, also of those that are gone, by service and name."""
        texts = self._documents(Table.WORKERS, _INSTANCES)
        found = [Instance.model_validate_json(text) async for text in texts]
        return sorted(found, key=lambda each: (each.service, each.instance))

    async def _documents(self, table: Table, partition: str) -> AsyncIterator[str]:
        async for row in self._tables.every(table, "PartitionKey eq @partition", {"partition": partition}):
            yield read_document(row)
