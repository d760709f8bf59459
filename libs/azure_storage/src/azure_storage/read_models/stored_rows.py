"""Reading rows of the read models, without the SDK, whose own way costs more than the request itself."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from azure.data.tables import EdmType, EntityProperty

from azure_storage.batch import row_address
from azure_storage.calls import RefusedCallError, deadline_in
from azure_storage.connection import StorageConnection
from azure_storage.service_requests import Answer, table_requests
from coordination.ports import UnknownOutcomeError

#: Where the next page begins: the parts of a token.
Token = Mapping[str, str]

_TYPE = "@odata.type"

#: Types that JSON has no form of its own for, with what reads them. A long number is written as it was read.
_TYPES: Mapping[str, Callable[[Any], Any]] = {
    "Edm.DateTime": datetime.fromisoformat,
    "Edm.Int64": lambda text: EntityProperty(int(text), EdmType.INT64),
    "Edm.Double": float,
}


class StoredRow(dict[str, Any]):
    """The values of a row, with its keys, and its version."""

    etag: str = ""
    #: What the storage says of when it wrote the row.
    written_at: str | datetime | None = None

    @property
    def committed(self) -> float | None:
        """When the storage wrote the row, in seconds of its own clock; None where it does not say."""
        written = self.written_at
        if isinstance(written, str):
            written = datetime.fromisoformat(written)
        return None if written is None else written.timestamp()


class StoredRows:
    """Reads rows of any table, each answer within the same time."""

    def __init__(self, connection: StorageConnection, timeout: float) -> None:
        self._caller = connection.caller
        self._requests = table_requests(connection)
        self._timeout = timeout

    async def get(self, name: str, table: str, partition: str, key: str) -> StoredRow | None:
        """Read one row; `name` is what the call is reported as. Raises UnknownOutcomeError."""
        try:
            answer = await self._get(name, row_address(table, partition, key), {})
        except RefusedCallError as refused:
            if refused.status == 404:
                return None
            raise UnknownOutcomeError(str(refused)) from refused
        return _rows(answer, lambda document: [document])[0]

    async def part(
        self, name: str, table: str, condition: str, size: int, token: Token | None = None
    ) -> tuple[list[StoredRow], Token | None]:
        """Return what one request finds, and a token for the next request if there may be more.

        Raises RefusedCallError, too: with status 400 when the storage does not know the token.
        """
        asked = {"$top": str(size)}
        if condition:
            asked["$filter"] = condition
        for part, text in (token or {}).items():
            if text:
                asked[f"Next{part}"] = text
        answer = await self._get(name, f"{table}()", asked)
        rows = _rows(answer, lambda document: document["value"])
        names = ("PartitionKey", "RowKey")
        following = {part: answer.headers.get(f"x-ms-continuation-Next{part}") or "" for part in names}
        return rows, following if any(following.values()) else None

    async def _get(self, name: str, path: str, query: Mapping[str, str]) -> Answer:
        request = self._requests.send("GET", path, query=urlencode(query, quote_via=quote))
        return await self._caller.carry_out(name, request, deadline_in(self._timeout))


def condition(query: str, parameters: Mapping[str, str | int]) -> str:
    """Return a filter, whose words that begin with `@` are filled in."""
    words = query.split(" ")
    return " ".join(_literal(parameters[word[1:]]) if word.startswith("@") else word for word in words)


def _literal(value: str | int) -> str:
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def _rows(answer: Answer, listed: Callable[[Any], Sequence[Any]]) -> list[StoredRow]:
    """Return the rows of an answer. Raises UnknownOutcomeError when it is not whole."""
    try:
        return [_row(document) for document in listed(json.loads(answer.body))]
    except (ValueError, LookupError, TypeError) as error:
        raise UnknownOutcomeError(f"the answer to a read is incomplete: {answer.body[:200]!r}") from error


def _row(document: Mapping[str, Any]) -> StoredRow:
    row = StoredRow(document)
    row.etag = row.pop("odata.etag")
    for name in [name for name in row if name.endswith(_TYPE)]:
        convert = _TYPES.get(row.pop(name))
        if convert is not None:
            named = name.removesuffix(_TYPE)
            row[named] = convert(row[named])
    row.written_at = row.pop("Timestamp", None)
    row.pop("odata.metadata", None)
    return row
