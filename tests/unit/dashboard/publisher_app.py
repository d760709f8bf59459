"""The publisher's real application over doubles, for clients that wait for an answer in a thread."""

import asyncio

import httpx
from fastapi import FastAPI


class InProcess(httpx.BaseTransport):
    """Carries requests to an application of this process, or fails as a network does."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        #: Raised instead of a request, one after the other.
        self.before: list[Exception] = []
        #: Raised instead of the answer to a request that was carried out.
        self.after: list[Exception] = []
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.before:
            raise self.before.pop(0)
        response = asyncio.run(self._carry(request))
        if self.after:
            raise self.after.pop(0)
        return response

    async def _carry(self, request: httpx.Request) -> httpx.Response:
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
        raw = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.read() or None
        )
        async with httpx.AsyncClient(transport=transport) as client:
            answer = await client.send(raw)
            content = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, content=content)
