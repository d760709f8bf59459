"""Single requests to Table Storage, without the SDK, whose own way costs more than the request itself."""

from collections.abc import Mapping
from dataclasses import dataclass

from yarl import URL

from azure_storage.authorization import authorization
from azure_storage.batch import decode_error
from azure_storage.calls import refusal
from azure_storage.connection import StorageConnection

#: The first version of the service's interface that accepts tokens for tables.
API_VERSION = "2020-12-06"

_HEADERS = {
    "Accept": "application/json;odata=minimalmetadata",
    "Accept-Encoding": "identity",
    "DataServiceVersion": "3.0",
    "x-ms-version": API_VERSION,
}


@dataclass(frozen=True)
class Answer:
    """What the service answered to a request that it carried out."""

    headers: Mapping[str, str]
    body: bytes


class TableRequests:
    """Sends requests, each once."""

    def __init__(self, connection: StorageConnection) -> None:
        self._connection = connection
        self._authorization = authorization(connection.credential)

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send a request to an encoded path below the service's address, with an encoded query.

        Raises the error that an answer other than success amounts to (`calls.refusal`), and those of the
        connection.
        """
        address = f"{self._connection.table_url}/{path}"
        sent = {**await self._authorization.headers(address), **_HEADERS, **(headers or {})}
        url = URL(f"{address}?{query}" if query else address, encoded=True)
        async with self._connection.session.request(
            method, url, data=body, headers=sent, allow_redirects=False
        ) as response:
            answer = await response.read()
        if not 200 <= response.status < 300:
            raise refusal(response.status, *decode_error(answer.decode(errors="replace")))
        return Answer(response.headers, answer)
