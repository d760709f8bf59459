"""The leases port on Azure Blob leases: one blob per lock, which is never written after its creation."""

import math
from collections.abc import Awaitable
from typing import TypeVar

from azure.storage.blob.aio import BlobClient, BlobLeaseClient

from azure_storage.calls import RefusedCallError, deadline_in
from azure_storage.connection import StorageConnection
from coordination.ports import CoordinationError, LeaseHeldError, LeaseLostError, UnknownOutcomeError

AnswerT = TypeVar("AnswerT")

_FREE = frozenset({"available", "expired", "broken"})


class BlobLeases:
    """Leases on the blobs of one container.

    Whether an expired lease can still be renewed differs between Azure and its emulator: do not rely on it.
    """

    def __init__(self, connection: StorageConnection) -> None:
        self._connection = connection

    async def acquire(self, name: str, duration: float, lease_id: str, timeout: float) -> None:
        """Take the lease under an id of one's own, a UUID; its blob is created when missing.

        Raises LeaseHeldError, UnknownOutcomeError, or ValueError when the duration is not 15 to 60 seconds.
        """
        if not 15 <= duration <= 60:
            raise ValueError("a lease lasts between 15 and 60 seconds")
        # Rounded up: a holder may stop trusting its lease early, the store must not end it early.
        seconds = math.ceil(duration)
        deadline = deadline_in(timeout)
        blob = self._blob(name)
        if await self._acquire(blob, seconds, lease_id, deadline):
            return
        if not await self._create(blob.upload_blob(b"", overwrite=False), deadline):
            await self._create(self._connection.locks.create_container(), deadline)
            await self._create(blob.upload_blob(b"", overwrite=False), deadline)
        if not await self._acquire(blob, seconds, lease_id, deadline):
            raise UnknownOutcomeError(f"{name} is missing, though it was created")

    async def renew(self, name: str, lease_id: str, timeout: float) -> None:
        """Start the time of the lease again. Raises LeaseLostError or UnknownOutcomeError."""
        try:
            await self._call("renew", _lease(self._blob(name), lease_id).renew(), deadline_in(timeout))
        except RefusedCallError as refused:
            raise _definite(refused, LeaseLostError, 404, 409, 412) from refused

    async def release(self, name: str, lease_id: str, timeout: float) -> None:
        """Release the lease; one that is not ours any more is not an error. Raises UnknownOutcomeError."""
        try:
            await self._call("release", _lease(self._blob(name), lease_id).release(), deadline_in(timeout))
        except RefusedCallError as refused:
            if refused.status not in {404, 409, 412}:
                raise UnknownOutcomeError(str(refused)) from refused

    async def is_free(self, name: str, timeout: float) -> bool:
        """Return whether the lease is free now. Raises UnknownOutcomeError."""
        request = self._blob(name).get_blob_properties()
        try:
            properties = await self._call("is_free", request, deadline_in(timeout))
        except RefusedCallError as refused:
            if refused.status == 404:
                return True
            raise UnknownOutcomeError(str(refused)) from refused
        return str(properties.lease.state) in _FREE

    async def _acquire(self, blob: BlobClient, seconds: int, lease_id: str, deadline: float) -> bool:
        """Acquire; return whether there was anything to acquire."""
        try:
            await self._call("acquire", _lease(blob, lease_id).acquire(lease_duration=seconds), deadline)
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

    def _blob(self, name: str) -> BlobClient:
        return self._connection.locks.get_blob_client(name)


def _lease(blob: BlobClient, lease_id: str) -> BlobLeaseClient:
    # A new one for each call: a lease client forgets its id once it has released.
    return BlobLeaseClient(blob, lease_id)


def _definite(refused: RefusedCallError, error: type[CoordinationError], *statuses: int) -> CoordinationError:
    return (error if refused.status in statuses else UnknownOutcomeError)(str(refused))
