"""A storage service that answers every request with what a test has prepared."""

from collections.abc import AsyncIterator
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
    """What to answer next, and what was asked."""

    connection: StorageConnection
    calls: list[StorageCall]
    requests: list[web.BaseRequest]
    answer: Prepared


@asynccontextmanager
async def fake_service() -> AsyncIterator[FakeService]:
    """Run such a service for as long as the context lasts."""
    requests: list[web.BaseRequest] = []
    calls: list[StorageCall] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        requests.append(request)
        prepared = service.answer
        if prepared.status == 0:
            assert request.transport
            request.transport.close()
        return web.Response(status=prepared.status or 200, body=prepared.body, headers=prepared.headers)

    async with RawTestServer(handle) as server:
        url = f"http://127.0.0.1:{server.port}/account"
        credential = AzureNamedKeyCredential("account", "a2V5")
        connection = StorageConnection(url, url, credential, observe_call=calls.append)
        service = FakeService(connection, calls, requests, Prepared())
        yield service
        await connection.aclose()
