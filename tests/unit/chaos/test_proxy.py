"""The fault proxy does to connections what it says, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest
from aiohttp import web
from tests.chaos.proxy import LOST_ANSWERS, Decide, Fault, Link, Seen
from tests.chaos.requests import Kind


class Server:
    """Answers every request and remembers it."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.status = 200
        self.came = asyncio.Condition()

    async def has_had(self, count: int) -> None:
        """Wait until so many requests have come."""
        async with asyncio.timeout(5), self.came:
            await self.came.wait_for(lambda: len(self.bodies) >= count)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        async with self.came:
            self.bodies.append(body)
            self.came.notify_all()
        if body != "in pieces":
            return web.Response(text=f"got {body}", status=self.status)
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        for piece in ("got ", "in ", "pieces"):
            await response.write(piece.encode())
        await response.write_eof()
        return response


@asynccontextmanager
async def proxied() -> AsyncIterator[tuple[Server, Link, aiohttp.ClientSession]]:
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    link = Link("test", "127.0.0.1", port, Seen(), is_http=True)
    await link.start()
    timeout = aiohttp.ClientTimeout(total=1)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{link.port}", timeout=timeout) as client:
            yield server, link, client
    finally:
        await link.close()
        await runner.cleanup()


async def ask(client: aiohttp.ClientSession, body: str) -> tuple[int, str]:
    async with client.post("/thing", data=body) as answer:
        return answer.status, await answer.text()


def always(fault: Fault) -> Decide:
    return lambda request, kind: fault


async def test_a_link_without_faults_passes_everything_on_over_one_connection() -> None:
    async with proxied() as (server, link, client):
        for body in ("a", "in pieces", "b" * 100_000):
            assert await ask(client, body) == (200, f"got {body}")
        async with client.head("/thing") as answer:
            assert answer.status == 200
        assert len(link._connections) == 1
        assert len(server.bodies) == 4


@pytest.mark.parametrize(
    ("fault", "is_carried_out", "status"),
    [
        (Fault.LOST, False, None),
        (Fault.REFUSED, False, 503),
        (Fault.ANSWER_RESET, True, None),
        (Fault.ANSWER_500, True, 500),
        (Fault.ANSWER_HANGS, True, None),
    ],
)
async def test_a_mishap_hits_the_request_or_only_its_answer(
    fault: Fault, is_carried_out: bool, status: int | None
) -> None:
    async with proxied() as (server, link, client):
        link.decide = always(fault)
        if status is None:
            # Not PUT or GET, which the client would repeat by itself.
            with pytest.raises((aiohttp.ClientError, TimeoutError)):
                await ask(client, "a")
        else:
            assert (await ask(client, "a"))[0] == status
        assert server.bodies == (["a"] if is_carried_out else [])
        link.heal()
        assert await ask(client, "b") == (200, "got b")


@pytest.mark.parametrize(("fault", "at_once", "later"), [(Fault.LATE, 0, 1), (Fault.TWICE, 1, 2)])
async def test_a_request_arrives_when_its_sender_has_given_up(fault: Fault, at_once: int, later: int) -> None:
    async with proxied() as (server, link, client):
        link.decide, link.late_by = always(fault), 1.6
        if fault is Fault.LATE:
            with pytest.raises((aiohttp.ClientError, TimeoutError)):
                await ask(client, "a")
        else:
            assert (await ask(client, "a"))[0] == 200
        assert len(server.bodies) == at_once
        await server.has_had(later)
        assert server.bodies == ["a"] * later


@pytest.mark.parametrize(("status", "is_granted"), [(201, True), (409, False)])
async def test_who_tried_for_a_lease_is_noted(status: int, is_granted: bool) -> None:
    async with proxied() as (server, link, client):
        server.status = status
        headers = {"x-ms-lease-action": "acquire"}
        async with client.put("/account/locks/a-lock?comp=lease", headers=headers):
            pass
        [noted] = link._seen.lease_tries
        assert (noted.service, noted.partition, noted.is_granted) == ("test", "a-lock", is_granted)


@pytest.mark.parametrize("fault", LOST_ANSWERS)
async def test_a_lost_answer_counts_where_the_write_was_carried_out(fault: Fault) -> None:
    async with proxied() as (server, link, client):
        link.decide = always(fault)
        for server.status in (412, 201):
            with suppress(aiohttp.ClientError, TimeoutError):
                # Not PUT, which the client would repeat by itself.
                async with client.post("/a?comp=lease", headers={"x-ms-lease-action": "renew"}):
                    pass
        assert dict(link._seen.lost_answers) == {Kind.RENEW: 1}


async def test_a_cut_link_refuses_and_a_frozen_one_keeps_silent() -> None:
    async with proxied() as (server, link, client):
        await ask(client, "a")
        link.cut()
        with pytest.raises(aiohttp.ClientError):
            await ask(client, "b")
        link.heal()
        link.freeze()
        with pytest.raises(TimeoutError):
            await ask(client, "c")
        assert server.bodies == ["a"]
        link.heal()
        assert await ask(client, "d") == (200, "got d")
