"""The leases port on Azure Blob leases: one blob per lock, which is never written after its creation."""

import asyncio
import math
from collections.abc import Awaitable, Collection
from typing import TypeVar
from urllib.parse import quote

from azure_storage.calls import RefusedCallError, deadline_in
from azure_storage.connection import StorageConnection
from azure_storage.lease_listing import FREE, LeaseListing
from azure_storage.service_requests import Answer, blob_requests
from coordination.ports import CoordinationError, LeaseHeldError, LeaseLostError, UnknownOutcomeError

AnswerT = TypeVar("AnswerT")

#: Leases that are asked for at the same time.
_AT_ONCE = 8


class BlobLeases:
    """Leases on the blobs of one container.

    Whether an expired lease can still be renewed differs between Azure and its emulator: do not rely on it.
    """

    def __init__(self, connection: StorageConnection) -> None:
        self._connection = connection
        self._requests = blob_requests(connection)
        self._listing = LeaseListing(connection)

    async def acquire(self, name: str, duration: float, lease_id: str, timeout: float) -> None:
        """Take the lease under an id of one's own, a UUID; its blob is created when missing.

        Raises LeaseHeldError, UnknownOutcomeError, or ValueError when the duration is not 15 to 60 seconds.
        """
        if not 15 <= duration <= 60:
            raise ValueError("a lease lasts between 15 and 60 seconds")
        # Rounded up: a holder may stop trusting its lease early, the store must not end it early.
        seconds = math.ceil(duration)
        deadline = deadline_in(timeout)
        if await self._acquire(name, seconds, lease_id, deadline):
            return
        if not await self._create(self._create_blob(name), deadline):
            await self._create(self._connection.locks.create_container(), deadline)
            await self._create(self._create_blob(name), deadline)
        if not await self._acquire(name, seconds, lease_id, deadline):
            raise UnknownOutcomeError(f"{name} is missing, though it was created")

    async def renew(self, name: str, lease_id: str, timeout: float) -> None:
        """Start the time of the lease again. Raises LeaseLostError or UnknownOutcomeError."""
        headers = {"x-ms-lease-action": "renew", "x-ms-lease-id": lease_id}
        try:
            await self._call("renew", self._lease(name, headers, 200), deadline_in(timeout))
        except RefusedCallError as refused:
            raise _definite(refused, LeaseLostError, 404, 409, 412) from refused

    async def release(self, name: str, lease_id: str, timeout: float) -> None:
        """Release the lease; one that is not ours any more is not an error. Raises UnknownOutcomeError."""
        headers = {"x-ms-lease-action": "release", "x-ms-lease-id": lease_id}
        try:
            await self._call("release", self._lease(name, headers, 200), deadline_in(timeout))
        except RefusedCallError as refused:
            if refused.status not in {404, 409, 412}:
                raise UnknownOutcomeError(str(refused)) from refused

    async def is_free(self, name: str, timeout: float) -> bool:
        """Return whether the lease is free now. Raises UnknownOutcomeError."""
        request = self._requests.send("HEAD", self._path(name), success={200})
        try:
            answer = await self._call("is_free", request, deadline_in(timeout))
        except RefusedCallError as refused:
            if refused.status == 404:
                return True
            raise UnknownOutcomeError(str(refused)) from refused
        return answer.headers.get("x-ms-lease-state") in FREE

    async def free(self, names: Collection[str], timeout: float) -> set[str]:
        """Return which of many leases are free: from a list, as far as that costs less than to ask for each.

        Raises UnknownOutcomeError.
        """
        known = await self._listing.look(names, timeout)
        left = [name for name in names if name not in known]
        for start in range(0, len(left), _AT_ONCE):
            some = left[start : start + _AT_ONCE]
            answers = await asyncio.gather(*(self.is_free(name, timeout) for name in some))
            known |= zip(some, answers, strict=True)
        return {name for name, is_free in known.items() if is_free}

    async def _acquire(self, name: str, seconds: int, lease_id: str, deadline: float) -> bool:
        """Acquire; return whether there was anything to acquire."""
        headers = {
            "x-ms-lease-action": "acquire",
            "x-ms-lease-duration": str(seconds),
            "x-ms-proposed-lease-id": lease_id,
        }
        try:
            await self._call("acquire", self._lease(name, headers, 201), deadline)
        except RefusedCallError as refused:
            if refused.status == 404:
                return False
            raise _definite(refused, LeaseHeldError, 409, 412) from refused
        return True

    async def _create(self, creation: Awaitable[object], deadline: float) -> bool:
        """Create unless it exists; return whether that was possible."""
        try:
            await self._call("create", creation, deadline)
        except RefusedCallError as refused:
            # Another process may have created, and even leased, it in the meantime.
            if refused.status not in {404, 409, 412}:
                raise UnknownOutcomeError(str(refused)) from refused
            return refused.status != 404
        return True

    async def _call(self, operation: str, request: Awaitable[AnswerT], deadline: float) -> AnswerT:
        return await self._connection.caller.carry_out(f"leases.{operation}", request, deadline)

    async def _lease(self, name: str, headers: dict[str, str], success: int) -> Answer:
        # Only the one status that the service documents: whatever else answers has not given a lease.
        return await self._requests.send(
            "PUT", self._path(name), query="comp=lease", headers=headers, success={success}
        )

    async def _create_blob(self, name: str) -> Answer:
        headers = {"x-ms-blob-type": "BlockBlob", "If-None-Match": "*"}
        return await self._requests.send("PUT", self._path(name), headers=headers, success={201})

    def _path(self, name: str) -> str:
        return f"{self._connection.names.lock_container}/{quote(name, safe='')}"


def _definite(refused: RefusedCallError, error: type[CoordinationError], *statuses: int) -> CoordinationError:
    return (error if refused.status in statuses else UnknownOutcomeError)(str(refused))
