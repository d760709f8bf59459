"""A storage service that answers every request with what a test has prepared."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import RawTestServer
from azure.core.credentials import AzureNamedKeyCredential

from azure_storage.calls import StorageCall
from azure_storage.connection import StorageConnection


@dataclass
class Prepared:
    """An answer; status 0 closes the connection instead."""

    status: int = 202
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class FakeService:
    """What to answer, and what was asked: first `answers`, each once, then `answer`."""

    connection: StorageConnection
    calls: list[StorageCall]
    requests: list[web.BaseRequest]
    bodies: list[bytes]
    #: For ever the same, or what is fit for a request.
    answer: Prepared | Callable[[web.BaseRequest], Prepared]
    answers: list[Prepared] = field(default_factory=list)
    #: How callers saw the calls that they shared.
    shared: list[StorageCall] = field(default_factory=list)

    @property
    def asked(self) -> list[tuple[str, str]]:
        """Method and path of every request, without what all paths begin with."""
        return [(request.method, request.path.removeprefix("/account")) for request in self.requests]


@asynccontextmanager
async def fake_service() -> AsyncIterator[FakeService]:
    """Run such a service for as long as the context lasts."""
    requests: list[web.BaseRequest] = []
    bodies: list[bytes] = []
    calls: list[StorageCall] = []
    shared: list[StorageCall] = []

    def observe(call: StorageCall) -> None:
        (shared if call.is_shared else calls).append(call)

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        bodies.append(await request.content.read())
        requests.append(request)
        prepared = service.answers.pop(0) if service.answers else service.answer
        if not isinstance(prepared, Prepared):
            prepared = prepared(request)
        if prepared.status == 0:
            assert request.transport
            request.transport.close()
        return web.Response(status=prepared.status or 200, body=prepared.body, headers=prepared.headers)

    async with RawTestServer(handle) as server:
        url = f"http://127.0.0.1:{server.port}/account"
        credential = AzureNamedKeyCredential("account", "a2V5")
        connection = StorageConnection(url, url, credential, observe_call=observe)
        service = FakeService(connection, calls, requests, bodies, Prepared(), shared=shared)
        yield service
        await connection.aclose()


def asked_for(service: FakeService) -> list[tuple[str, str, str]]:
    """Return path, condition and number of rows of every page that was asked for."""
    return [
        (path, request.query["$filter"], request.query["$top"])
        for (_, path), request in zip(service.asked, service.requests, strict=True)
    ]
