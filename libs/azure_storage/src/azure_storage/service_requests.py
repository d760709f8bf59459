"""Single requests to Table and Blob Storage, without the SDK, which costs more than the request itself."""

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass

from yarl import URL

from azure_storage.authorization import Authorization, blob_authorization, table_authorization
from azure_storage.batch import decode_error
from azure_storage.calls import refusal
from azure_storage.connection import StorageConnection

#: The first version of the services' interface that accepts tokens for tables.
_API_VERSION = "2020-12-06"

_COMMON = {"Accept-Encoding": "identity", "x-ms-version": _API_VERSION}

_OF_TABLES = {
    "Accept": "application/json;odata=minimalmetadata",
    "DataServiceVersion": "3.0",
    "MaxDataServiceVersion": "3.0;NetFx",
    **_COMMON,
}

_OF_BLOBS = {"Accept": "application/xml", **_COMMON}

#: The HTTP client would name a type of a body that does not exist, which the signature does not have.
_NOT_BY_ITSELF = ("Content-Type",)

_MESSAGE = re.compile(r"<Message>([^<]*)")


@dataclass(frozen=True)
class Answer:
    """What a service answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ServiceRequests:
    """Sends requests to one service, each once.

    `headers` go with every request, and `explain` reads code and message of an answer other than success.
    """

    def __init__(
        self,
        connection: StorageConnection,
        url: str,
        authorization: Authorization,
        headers: Mapping[str, str],
        explain: Callable[[Answer], tuple[str, str]],
    ) -> None:
        self._connection = connection
        self._url = url
        self._authorization = authorization
        self._headers = headers
        self._explain = explain

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send a request to an encoded path below the service's address, with an encoded query.

        Returns whatever the service answers. Raises the errors of the connection and of the credential.
        """
        url = f"{self._url}/{path}?{query}" if query else f"{self._url}/{path}"
        sent = {**self._headers, **(headers or {})}
        sent |= await self._authorization.headers(method, url, sent)
        async with self._connection.session.request(
            method,
            URL(url, encoded=True),
            data=body,
            headers=sent,
            allow_redirects=False,
            skip_auto_headers=_NOT_BY_ITSELF,
        ) as response:
            return Answer(response.status, response.headers, await response.read())

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        success: Container[int] = range(200, 300),
    ) -> Answer:
        """Send a request as `ask` does, and raise the error that an answer other than success amounts to.

        `calls.refusal` names those errors.
        """
        answer = await self.ask(method, path, query=query, headers=headers, body=body)
        if answer.status not in success:
            raise self.refusal(answer)
        return answer

    def refusal(self, answer: Answer) -> Exception:
        """Return the error that an answer other than success amounts to."""
        return refusal(answer.status, *self._explain(answer))


def table_requests(connection: StorageConnection) -> ServiceRequests:
    """Return what sends requests to Table Storage."""
    authorization = table_authorization(connection.credential)
    return ServiceRequests(connection, connection.table_url, authorization, _OF_TABLES, _explain_table)


def blob_requests(connection: StorageConnection) -> ServiceRequests:
    """Return what sends requests to Blob Storage; none of them may have a body."""
    authorization = blob_authorization(connection.credential)
    return ServiceRequests(connection, connection.blob_url, authorization, _OF_BLOBS, _explain_blob)


def _explain_table(answer: Answer) -> tuple[str, str]:
    return decode_error(_text(answer))


def _explain_blob(answer: Answer) -> tuple[str, str]:
    text = _text(answer)
    message = _MESSAGE.search(text)
    # An answer to a question by HEAD has no body.
    return answer.headers.get("x-ms-error-code", ""), message[1].strip() if message else text.strip()[:200]


def _text(answer: Answer) -> str:
    return answer.body.decode(errors="replace")
