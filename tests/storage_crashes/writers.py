"""Writers that note what the storage acknowledged, and find it again after a crash."""

import random
import uuid
from typing import Protocol

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient
from azure.storage.blob.aio import BlobLeaseClient, ContainerClient

_ROWS = 5
_LEASE_SECONDS = 60
#: Sizes of a row's content: most are small, some fill pages and bring the next checkpoint nearer.
_SIZES = (10, 300, 2_000, 20_000)


class LostError(AssertionError):
    """The storage lost what it acknowledged, or kept half of a change."""


class Writer(Protocol):
    """Writes until the storage is gone, and compares afterwards."""

    async def write(self) -> None:
        """Change something. Raises AzureError when the outcome is unknown."""

    async def compare(self) -> None:
        """Raise LostError if the storage does not hold what it acknowledged."""


class Transactions:
    """Transactions of one partition: a counter is replaced, and rows that carry its number are inserted."""

    def __init__(self, table: TableClient, name: str, chance: random.Random) -> None:
        self._table, self._name, self._chance = table, name, chance
        self.acknowledged = self._tried = 0
        self._etag: str | None = None

    async def write(self) -> None:
        """Commit the next number."""
        number = self._tried = self.acknowledged + 1
        counter = {"PartitionKey": self._name, "RowKey": "counter", "Number": number}
        first = (
            ("create", counter)
            if self._etag is None
            else (
                "update",
                counter,
                {
                    "mode": UpdateMode.REPLACE,
                    "etag": self._etag,
                    "match_condition": MatchConditions.IfNotModified,
                },
            )
        )
        rows = [
            (
                "create",
                {"PartitionKey": self._name, "RowKey": f"{number:06}-{row}", "Content": self._content()},
            )
            for row in range(_ROWS)
        ]
        answers = await self._table.submit_transaction([first, *rows])
        self._etag = str(answers[0]["etag"])
        self.acknowledged = number

    async def compare(self) -> None:
        """Raise LostError unless the transactions up to the counter's are there, whole, and no other."""
        found = [row async for row in self._table.query_entities(f"PartitionKey eq '{self._name}'")]
        counters = [row for row in found if row["RowKey"] == "counter"]
        number = int(counters[0]["Number"]) if counters else 0
        if not self.acknowledged <= number <= self._tried:
            raise LostError(
                f"{self._name} is at {number}; acknowledged {self.acknowledged}, tried {self._tried}"
            )
        expected = {f"{one:06}-{row}" for one in range(1, number + 1) for row in range(_ROWS)}
        rows = {row["RowKey"] for row in found if row["RowKey"] != "counter"}
        if rows != expected:
            raise LostError(f"{self._name} at {number}: lost {expected - rows}, half there {rows - expected}")
        self.acknowledged = self._tried = number
        self._etag = counters[0].metadata["etag"] if counters else None

    def _content(self) -> str:
        return "x" * self._chance.choice(_SIZES)


class Replacements:
    """One row that is replaced or merged again and again, and must never be gone or older."""

    def __init__(self, table: TableClient, name: str, chance: random.Random) -> None:
        self._table, self._name, self._chance = table, name, chance
        self.acknowledged = self._tried = 0

    async def write(self) -> None:
        """Write the next number."""
        self._tried = self.acknowledged + 1
        row = {"PartitionKey": self._name, "RowKey": "only", "Number": self._tried}
        await self._table.upsert_entity(row, self._chance.choice([UpdateMode.REPLACE, UpdateMode.MERGE]))
        self.acknowledged = self._tried

    async def compare(self) -> None:
        """Raise LostError unless the row has the last number acknowledged, or the one tried."""
        found = [row["Number"] async for row in self._table.query_entities(f"PartitionKey eq '{self._name}'")]
        number = int(found[0]) if found else 0
        if not self.acknowledged <= number <= self._tried:
            raise LostError(
                f"{self._name} is at {number}; acknowledged {self.acknowledged}, tried {self._tried}"
            )
        self.acknowledged = self._tried = number


class Moves:
    """One row that moves between two keys: deleted under one, created under the other, in one transaction."""

    def __init__(self, table: TableClient, name: str) -> None:
        self._table, self._name = table, name
        #: Where the row may be; more than one place after an unknown outcome.
        self._places: list[str | None] = [None]

    async def write(self) -> None:
        """Move the row; the first time, create it."""
        old = self._places[0]
        new = "right" if old == "left" else "left"
        moves: list[tuple[str, dict[str, str]]] = [("create", {"PartitionKey": self._name, "RowKey": new})]
        if old:
            moves.append(("delete", {"PartitionKey": self._name, "RowKey": old}))
        self._places = [old, new]
        await self._table.submit_transaction(moves)
        self._places = [new]

    async def compare(self) -> None:
        """Raise LostError unless the row is under one key, where its last move may have left it."""
        found = [row["RowKey"] async for row in self._table.query_entities(f"PartitionKey eq '{self._name}'")]
        place = found[0] if found else None
        if len(found) > 1 or place not in self._places:
            raise LostError(f"{self._name} is under {found}, not under one of {self._places}")
        self._places = [place]


class Leases:
    """Blobs that are leased and released; what is leased is refused to others."""

    def __init__(self, blobs: ContainerClient, name: str) -> None:
        self._blobs, self._name = blobs, name
        self._number = 0
        #: The lease of the newest blob, once its acquisition was acknowledged.
        self._held: str | None = None
        self._released: list[str] = []

    async def write(self) -> None:
        """Lease a new blob; release it one time later."""
        if self._held is not None:
            lease, self._held = self._lease(self._held), None
            await lease.release()
            self._released.append(self._blob)
            return
        self._number += 1
        await self._blobs.upload_blob(self._blob, b"", overwrite=False)
        lease = self._lease(str(uuid.uuid4()))
        await lease.acquire(lease_duration=_LEASE_SECONDS)
        self._held = lease.id

    async def compare(self) -> None:
        """Raise LostError if a lease or a release that was acknowledged is forgotten."""
        if self._held is not None:
            try:
                await self._lease(str(uuid.uuid4())).acquire(lease_duration=_LEASE_SECONDS)
            except ResourceExistsError:
                await self._lease(self._held).renew()
            else:
                raise LostError(f"the lease of {self._blob} was given twice")
        for blob in self._released:
            client = BlobLeaseClient(self._blobs.get_blob_client(blob))
            try:
                await client.acquire(lease_duration=_LEASE_SECONDS)
            except HttpResponseError as error:
                raise LostError(f"{blob} was released and is not free: {error.message}") from error
        self._released.clear()

    @property
    def _blob(self) -> str:
        return f"{self._name}-{self._number}"

    def _lease(self, lease_id: str) -> BlobLeaseClient:
        return BlobLeaseClient(self._blobs.get_blob_client(self._blob), lease_id)
