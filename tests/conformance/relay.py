"""A relay between a client and a server that loses, holds or swallows what passes through it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Relay:
    """A TCP relay on the loopback interface; its faults can be switched while connections are open."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._requests_flow = asyncio.Event()
        self._requests_flow.set()
        self.port = 0
        #: Set once a request is kept back.
        self.holds_request = asyncio.Event()
        #: Set once the server has answered anything.
        self.has_answer = asyncio.Event()
        #: Whether an answer closes the connection instead of getting through.
        self.loses_answers = False
        self.lost_answers = 0
        self.connections = 0

    def hold_requests(self) -> None:
        """Keep requests back; whoever gave up on one cannot take it back."""
        self._requests_flow.clear()

    def let_requests_through(self) -> None:
        """Send on what was kept back, and all that follows."""
        self._requests_flow.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        there_reader, there_writer = await asyncio.open_connection(*self._target)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._requests(reader, there_writer))
                group.create_task(self._answers(there_reader, writer))
        finally:
            writer.close()
            there_writer.close()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if not self._requests_flow.is_set():
                    self.holds_request.set()
                await self._requests_flow.wait()
                writer.write(data)
                await writer.drain()
            writer.write_eof()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                self.has_answer.set()
                if self.loses_answers:
                    self.lost_answers += 1
                    break
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def relay_to(url: str) -> AsyncIterator[Relay]:
    """Run a relay to the server of a URL for as long as the context lasts."""
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    relay = Relay(parts.hostname, parts.port)
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(relay.serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def through(relay: Relay, url: str) -> str:
    """Return the URL of the relay for what a server has under a URL of its own."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"127.0.0.1:{relay.port}").geturl()
