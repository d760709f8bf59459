"""Writing one row, without the SDK, whose own way costs more than the request itself."""

import json

from yarl import URL

from azure_storage.authorization import authorization
from azure_storage.batch import Write, decode_error, row_address
from azure_storage.calls import deadline_in, refusal
from azure_storage.connection import StorageConnection
from azure_storage.transactions import API_VERSION
from coordination.ports import Delete, UnknownOutcomeError


class SingleWrites:
    """Writes or deletes one row by one request; what a refusal means is for the caller to deal with."""

    def __init__(self, connection: StorageConnection) -> None:
        self._connection = connection
        self._authorization = authorization(connection.credential)

    async def attempt(
        self, name: str, table: str, partition: str, write: Write | Delete, timeout: float
    ) -> str:
        """Carry out a write, and return the version of the row, "" of one that is deleted.

        `name` is what the call is reported as. Raises RefusedCallError, AccessDeniedError or
        UnknownOutcomeError.
        """
        address = f"{self._connection.table_url}/{table}"
        if isinstance(write, Delete):
            method, condition, body = "DELETE", {"If-Match": write.etag}, ""
        else:
            method, condition = write.method_and_condition()
            body = json.dumps(write.body(partition), separators=(",", ":"))
        if method != "POST":
            address = row_address(address, partition, write.key)
        request = self._send(method, address, condition, body)
        return await self._connection.caller.carry_out(name, request, deadline_in(timeout))

    async def _send(self, method: str, address: str, condition: dict[str, str], body: str) -> str:
        headers = {
            **await self._authorization.headers(address),
            **condition,
            "Accept": "application/json;odata=minimalmetadata",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "DataServiceVersion": "3.0",
            "x-ms-version": API_VERSION,
        }
        async with self._connection.session.request(
            method, URL(address, encoded=True), data=body.encode(), headers=headers, allow_redirects=False
        ) as response:
            answer = await response.read()
        if not 200 <= response.status < 300:
            raise refusal(response.status, *decode_error(answer.decode(errors="replace")))
        version = response.headers.get("ETag", "")
        if not version and method != "DELETE":
            raise UnknownOutcomeError("the answer to a write has no version")
        return version
