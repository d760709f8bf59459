"""Which of many leases are free, read from lists of a container's blobs."""

import asyncio
import math
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote
from xml.etree import ElementTree as ET

from azure_storage.calls import RefusedCallError, deadline_in
from azure_storage.connection import StorageConnection
from azure_storage.service_requests import Answer, blob_requests
from coordination.ports import UnknownOutcomeError

FREE = frozenset({"available", "expired", "broken"})

#: Blobs in one answer. A local storage serves nothing else while it writes one.
_PAGE = 1000

#: A list of this many blobs costs as much as one request for a single blob.
_BLOBS_PER_LEASE = 10

#: Seconds without lists after one that was too long: there are blobs of all locks that ever were.
_SECONDS_WITHOUT = 300.0


@dataclass(frozen=True)
class _Page:
    """Part of a list, in the order of the names."""

    #: Names of blobs, each with whether its lease is free.
    blobs: dict[str, bool]
    #: Where the next page begins; "" behind the last.
    marker: str


class LeaseListing:
    """Lists the leases of a container, as far as that pays."""

    def __init__(self, connection: StorageConnection) -> None:
        self._caller = connection.caller
        self._requests = blob_requests(connection)
        self._container = connection.names.lock_container
        self._pays_from = -math.inf

    async def look(self, names: Collection[str], timeout: float) -> dict[str, bool]:
        """Return of those leases that the list reaches whether they are free.

        What is not in the list was never taken. Raises UnknownOutcomeError.
        """
        if not names or asyncio.get_running_loop().time() < self._pays_from:
            return {}
        found: dict[str, bool] = {}
        marker, most = "", len(names) * _BLOBS_PER_LEASE
        while len(found) < most:
            page = await self._page(marker, min(most - len(found), _PAGE), timeout)
            found |= page.blobs
            marker = page.marker
            if not marker:
                return {name: found.get(name, True) for name in names}
        self._pays_from = asyncio.get_running_loop().time() + _SECONDS_WITHOUT
        last = max(found)
        return {name: found.get(name, True) for name in names if name <= last}

    async def _page(self, marker: str, size: int, timeout: float) -> _Page:
        query = f"restype=container&comp=list&maxresults={size}"
        if marker:
            query += f"&marker={quote(marker, safe='')}"
        request = self._requests.send("GET", self._container, query=query, success={200})
        try:
            answer = await self._caller.carry_out("leases.list", request, deadline_in(timeout))
        except RefusedCallError as refused:
            if refused.status == 404:
                return _Page({}, "")
            raise UnknownOutcomeError(str(refused)) from refused
        return _read(answer)


def _read(answer: Answer) -> _Page:
    """Read a page. Raises UnknownOutcomeError: half a list would name leases as free that are not."""
    try:
        listed = ET.fromstring(answer.body)  # noqa: S314 - from the storage, which has our jobs, too
    except ET.ParseError as error:
        raise UnknownOutcomeError(f"a list of leases is incomplete: {answer.body[:200]!r}") from error
    blobs = listed.find("Blobs")
    marker = listed.find("NextMarker")
    if listed.tag != "EnumerationResults" or blobs is None or marker is None:
        raise UnknownOutcomeError(f"the answer is no list of leases: {answer.body[:200]!r}")
    states = {blob.findtext("Name", ""): blob.findtext("Properties/LeaseState") for blob in blobs}
    return _Page({name: state in FREE for name, state in states.items()}, marker.text or "")
