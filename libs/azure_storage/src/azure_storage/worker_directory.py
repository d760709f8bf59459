"""The worker directory in Table Storage: a row for each kind, each worker, each instance of a service."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from azure_storage.connection import StorageConnection
from azure_storage.read_models.keys import name_key
from azure_storage.read_models.rows import document_row, read_document
from azure_storage.read_models.tables import Table, Tables
from contracts.jobs import Drain, Instance, Kind, Worker
from coordination.ports import UnknownOutcomeError
from coordination.worker_directory import Listed
from read_models.documents import StaleError

DocumentT = TypeVar("DocumentT", Kind, Instance)

#: Partitions of the tables: one in that of the kinds, two in that of the workers.
_KINDS, _WORKERS, _INSTANCES = "kinds", "workers", "instances"
_PARTITION = "PartitionKey eq @partition"

#: The value in a worker's row that others write: the order to take no new jobs, or no text.
_DRAIN = "Drain"

#: Times that a worker's row is written when others change it at the same time.
_MOST_TRIES = 5


class TableWorkerDirectory:
    """Implements `coordination.worker_directory.WorkerDirectory`."""

    def __init__(self, connection: StorageConnection, timeout: float = 5.0) -> None:
        self._tables = Tables(connection, timeout)
        self._own_rows: dict[str, _OwnRow] = {}

    async def publish_kind(self, kind: Kind) -> None:
        """Publish a kind that a worker knows."""
        await self._tables.upsert(Table.KINDS, [document_row(_KINDS, name_key(kind.kind), kind)])

    async def record_heartbeat(self, worker: Worker) -> Drain | None:
        """Record that a worker is alive; returns the order that stands for it.

        The version of its row tells whether an order came since the last heartbeat, which costs no request.
        """
        key = name_key(worker.worker)
        row = document_row(_WORKERS, key, worker.model_copy(update={"drain": None}))
        for _ in range(_MOST_TRIES):
            known = self._own_rows.pop(key, None) or await self._own_row(key)
            try:
                version = await self._tables.put(Table.WORKERS, row, known.version, merge=True)
            except StaleError:
                continue
            self._own_rows[key] = _OwnRow(version, known.drain)
            return known.drain
        raise UnknownOutcomeError(f"others keep changing the row of worker {worker.worker}")

    async def order(self, worker: str, drain: Drain | None) -> Worker | None:
        """Order a worker to take no new jobs, or to take them again; return it as it is now."""
        key = name_key(worker)
        row = {
            "PartitionKey": _WORKERS,
            "RowKey": key,
            _DRAIN: "" if drain is None else drain.model_dump_json(),
        }
        for _ in range(_MOST_TRIES):
            found = await self._tables.get(Table.WORKERS, _WORKERS, key)
            if found is None:
                return None
            if drain is not None and found.get(_DRAIN):
                return _read_worker(found)
            with suppress(StaleError):
                await self._tables.put(Table.WORKERS, row, found.etag, merge=True)
                return _read_worker({**found, **row})
        raise UnknownOutcomeError(f"others keep changing the row of worker {worker}")

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
        rows = self._tables.every(Table.WORKERS, _PARTITION, {"partition": _WORKERS})
        return [Listed(_read_worker(row), row.etag) async for row in rows]

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

    async def _own_row(self, key: str) -> "_OwnRow":
        found = await self._tables.get(Table.WORKERS, _WORKERS, key)
        return _OwnRow(None, None) if found is None else _OwnRow(found.etag, _read_drain(found))

    async def _listed(
        self, table: Table, partition: str, document: type[DocumentT]
    ) -> list[Listed[DocumentT]]:
        rows = self._tables.every(table, _PARTITION, {"partition": partition})
        return [Listed(document.model_validate_json(read_document(row)), row.etag) async for row in rows]


@dataclass(frozen=True)
class _OwnRow:
    """The version of a worker's row that its process wrote last, and the order that it contains."""

    version: str | None
    drain: Drain | None


def _read_worker(row: dict[str, Any]) -> Worker:
    worker = Worker.model_validate_json(read_document(row))
    return worker.model_copy(update={"drain": _read_drain(row)})


def _read_drain(row: Mapping[str, Any]) -> Drain | None:
    text = row.get(_DRAIN)
    return Drain.model_validate_json(text) if text else None


def _instance_key(instance: Instance) -> str:
    return name_key(f"{instance.service}|{instance.instance}")
