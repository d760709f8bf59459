"""Reads of Table Storage, page by page, without the SDK, whose own way costs more than the request itself."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from azure_storage.batch import row_address
from azure_storage.calls import RefusedCallError, deadline_in
from azure_storage.connection import StorageConnection
from azure_storage.service_requests import Answer, table_requests
from azure_storage.values import decode_document
from coordination.ports import Row, UnknownOutcomeError

#: Most rows the store gives in one answer.
_PAGE = 1000

#: Sorts behind every key that is used.
_LAST = "\uffff"

#: What says in an answer where the next page begins, and the parameter of a request that asks for it.
_CONTINUATION = {
    "x-ms-continuation-NextPartitionKey": "NextPartitionKey",
    "x-ms-continuation-NextRowKey": "NextRowKey",
}


class TableQueries:
    """Reads rows, each answer within the same time. `name` is what a call is reported as."""

    def __init__(self, connection: StorageConnection, table: str, timeout_seconds: float) -> None:
        self._caller = connection.caller
        self._requests = table_requests(connection)
        self._table = table
        self._timeout_seconds = timeout_seconds

    async def read(self, name: str, partition: str, key: str) -> Row | None:
        """Read one row. Raises UnknownOutcomeError."""
        try:
            answer = await self._get(name, row_address(self._table, partition, key), {})
        except RefusedCallError as refused:
            if refused.status == 404:
                return None
            raise UnknownOutcomeError(str(refused)) from refused
        return decode_document(_read(answer))

    async def read_range(
        self, name: str, partition: str, prefix: str, limit: int | None = None, after: str = ""
    ) -> list[Row]:
        """Read rows whose key starts with `prefix` and sorts behind `after`, in key order.

        Raises UnknownOutcomeError.
        """
        behind = prefix[:-1] + chr(ord(prefix[-1]) + 1) if prefix else _LAST
        return await self.read_between(name, partition, prefix, behind, limit, after)

    async def read_between(
        self, name: str, partition: str, first: str, behind: str, limit: int | None = None, after: str = ""
    ) -> list[Row]:
        """Read rows whose key is `first` or sorts behind it, and before `behind`, in key order.

        Rows up to and with the key `after` are left out. Raises UnknownOutcomeError.
        """
        rows: list[Row] = []
        begins = f"gt {_literal(after)}" if after >= first else f"ge {_literal(first)}"
        asked = {
            "$filter": f"PartitionKey eq {_literal(partition)} and RowKey {begins} "
            f"and RowKey lt {_literal(behind)}",
            "$top": str(min(limit or _PAGE, _PAGE)),
        }
        following: dict[str, str] = {}
        while limit is None or len(rows) < limit:
            try:
                answer = await self._get(name, f"{self._table}()", {**asked, **following})
            except RefusedCallError as refused:
                raise UnknownOutcomeError(str(refused)) from refused
            rows += [decode_document(document) for document in _read(answer, "value")]
            following = {
                parameter: answer.headers[header]
                for header, parameter in _CONTINUATION.items()
                if answer.headers.get(header)
            }
            if not following:
                break
        return rows[:limit]

    async def _get(self, name: str, path: str, query: Mapping[str, str]) -> Answer:
        request = self._requests.send("GET", path, query=urlencode(query, quote_via=quote))
        return await self._caller.carry_out(name, request, deadline_in(self._timeout_seconds))


def _literal(text: str) -> str:
    """Return a text as it stands in a filter."""
    return "'" + text.replace("'", "''") + "'"


def _read(answer: Answer, name: str | None = None) -> Any:
    """Return the document of an answer, or what it holds under a name. Raises UnknownOutcomeError."""
    try:
        document = json.loads(answer.body)
        return document if name is None else document[name]
    except (ValueError, LookupError, TypeError) as error:
        raise UnknownOutcomeError(f"the answer to a read is incomplete: {answer.body[:200]!r}") from error
