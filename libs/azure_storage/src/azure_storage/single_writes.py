"""Writing one row by one request."""

from azure_storage.batch import Write, row_address
from azure_storage.calls import deadline_in
from azure_storage.connection import StorageConnection
from azure_storage.service_requests import table_requests
from coordination.ports import Delete, UnknownOutcomeError


class SingleWrites:
    """Writes or deletes one row by one request; what a refusal means is for the caller to deal with."""

    def __init__(self, connection: StorageConnection) -> None:
        self._caller = connection.caller
        self._requests = table_requests(connection)

    async def attempt(
        self, name: str, table: str, partition: str, write: Write | Delete, timeout: float
    ) -> str:
        """Carry out a write, and return the version of the row, "" of one that is deleted.

        `name` is what the call is reported as. Raises RefusedCallError, AccessDeniedError or
        UnknownOutcomeError.
        """
        if isinstance(write, Delete):
            method, condition, body = "DELETE", {"If-Match": write.etag}, ""
        else:
            method, condition = write.method_and_condition()
            body = write.body(partition)
        path = table if method == "POST" else row_address(table, partition, write.key)
        request = self._send(method, path, condition, body)
        return await self._caller.carry_out(name, request, deadline_in(timeout))

    async def _send(self, method: str, path: str, condition: dict[str, str], body: str) -> str:
        headers = {"Content-Type": "application/json", **condition}
        answer = await self._requests.send(method, path, headers=headers, body=body.encode())
        version = answer.headers.get("ETag", "")
        if not version and method != "DELETE":
            raise UnknownOutcomeError("the answer to a write has no version")
        return version
