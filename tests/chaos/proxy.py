"""A proxy between a service and a server, which loses, delays, freezes and refuses what passes through it."""

import asyncio
import contextlib
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tests.chaos.requests import Kind, Request, is_carried_out, kind_of

_MOST_HEAD = 1 << 20


class Fault(StrEnum):
    """What happens to one request."""

    #: It never arrives; the connection breaks.
    LOST = "lost"
    #: It is refused with 503, and not carried out.
    REFUSED = "refused"
    #: It is carried out, but the connection breaks instead of the answer.
    ANSWER_RESET = "answer reset"
    #: It is carried out, but answered with 500.
    ANSWER_500 = "answer 500"
    #: It is carried out, but no answer ever comes.
    ANSWER_HANGS = "answer hangs"
    #: It is held back until its sender has long given up, and carried out then.
    LATE = "late"
    #: It is carried out and answered, and once more, later.
    TWICE = "twice"


#: The ways in which an answer can be lost after the commit.
LOST_ANSWERS = (Fault.ANSWER_RESET, Fault.ANSWER_500, Fault.ANSWER_HANGS)

#: Decides about each request; None lets it pass.
Decide = Callable[[Request, Kind | None], Fault | None]


@dataclass(frozen=True)
class LeaseTry:
    """A service asked for a lock's lease; `asked` is the time of day, in seconds."""

    service: str
    partition: str
    asked: float
    is_granted: bool


@dataclass
class Seen:
    """What passed through proxies."""

    requests: int = 0

    def __post_init__(self) -> None:
        #: Mishaps, by what they hit and what they were.
        self.faults: Counter[tuple[Kind | None, Fault]] = Counter()
        #: Answers that were lost, of writes that had been carried out.
        self.lost_answers: Counter[Kind] = Counter()
        #: In the order in which the storage answered.
        self.lease_tries: list[LeaseTry] = []


class Link:
    """One way from a service to a server. Its faults can be switched while connections are open."""

    def __init__(self, service: str, host: str, port: int, seen: Seen, *, is_http: bool) -> None:
        self.service = service
        self.port = 0
        self._target = (host, port)
        self._is_http = is_http
        self._seen = seen
        self._flows = asyncio.Event()
        self._flows.set()
        self._is_cut = False
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        #: How many requests came, where they are HTTP.
        self.requests = 0
        #: Seconds that everything takes longer, each way.
        self.delay = 0.0
        #: Seconds until a late request, or the second of a twin, arrives.
        self.late_by = 5.0
        #: What happens to requests, where they are HTTP.
        self.decide: Decide | None = None

    # --- faults, to be switched in the event loop ------------------------------

    def cut(self) -> None:
        """Break all connections and refuse new ones."""
        self._is_cut = True
        for task in self._connections:
            task.cancel()

    def freeze(self) -> None:
        """Leave connections half open: neither side is notified, and nothing passes any more."""
        self._flows.clear()

    def heal(self) -> None:
        """Let everything through again; what was frozen continues."""
        self._is_cut, self.delay, self.decide = False, 0.0, None
        self._flows.set()

    # --- serving ---------------------------------------------------------------

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_MOST_HEAD)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """End everything."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there: asyncio.StreamWriter | None = None
        breaks = True
        try:
            if self._is_cut:
                return
            back, there = await asyncio.open_connection(*self._target, limit=_MOST_HEAD)
            if self._is_http:
                await self._relay_requests(reader, writer, back, there)
            else:
                await self._relay_bytes(reader, writer, back, there)
                breaks = False
        except asyncio.IncompleteReadError as error:
            breaks = bool(error.partial)
        except (OSError, asyncio.CancelledError):
            pass  # one side is gone, or the link was cut: so is the other side's connection
        finally:
            await _end(writer, there, breaks=breaks)

    async def _pass(self) -> None:
        await self._flows.wait()
        if self.delay:
            await asyncio.sleep(self.delay)

    # --- any protocol ----------------------------------------------------------

    async def _relay_bytes(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        back: asyncio.StreamReader,
        there: asyncio.StreamWriter,
    ) -> None:
        pumps = (self._pump(reader, there), self._pump(back, writer))
        ways = [asyncio.ensure_future(pump) for pump in pumps]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(1 << 16):
            await self._pass()
            target.write(data)
            await target.drain()

    # --- HTTP ------------------------------------------------------------------

    async def _relay_requests(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        back: asyncio.StreamReader,
        there: asyncio.StreamWriter,
    ) -> None:
        while True:
            request = await _read_request(reader)
            asked = time.time()
            await self._pass()
            self._seen.requests += 1
            self.requests += 1
            kind = kind_of(request)
            fault = self.decide(request, kind) if self.decide else None
            if fault is not None:
                self._seen.faults[kind, fault] += 1
            if fault is Fault.LOST:
                return
            if fault is Fault.REFUSED:
                writer.write(_answer(503, "Service Unavailable"))
                continue
            if fault is Fault.LATE:
                self._send_later(request)
                await asyncio.sleep(self.late_by)
                return
            there.write(request.head + request.body)
            answer = await _read_answer(back, request.method)
            self._note(request, kind, fault, asked, answer)
            if fault is Fault.ANSWER_RESET:
                return
            if fault is Fault.ANSWER_HANGS:
                await reader.read()
                return
            if fault is Fault.TWICE:
                self._send_later(request)
            await self._pass()
            writer.write(_answer(500, "Internal Server Error") if fault is Fault.ANSWER_500 else answer)
            await writer.drain()

    def _note(
        self, request: Request, kind: Kind | None, fault: Fault | None, asked: float, answer: bytes
    ) -> None:
        if kind is Kind.ACQUIRE:
            partition = request.target.partition("?")[0].rpartition("/")[2]
            granted = answer.startswith(b"HTTP/1.1 201")
            self._seen.lease_tries.append(LeaseTry(self.service, partition, asked, granted))
        if kind is not None and fault in LOST_ANSWERS and is_carried_out(answer):
            self._seen.lost_answers[kind] += 1

    def _send_later(self, request: Request) -> None:
        async def send() -> None:
            await asyncio.sleep(self.late_by)
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                back, there = await asyncio.open_connection(*self._target, limit=_MOST_HEAD)
                try:
                    there.write(request.head + request.body)
                    await _read_answer(back, request.method)
                finally:
                    await _end(there, breaks=False)

        task = asyncio.ensure_future(send())
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)


async def _read_request(reader: asyncio.StreamReader) -> Request:
    request = Request.of(await reader.readuntil(b"\r\n\r\n"))
    length = int(request.headers.get("content-length", 0))
    body = await reader.readexactly(length) if length else b""
    if "chunked" in request.headers.get("transfer-encoding", ""):
        body = await _read_chunks(reader)
    return Request(request.method, request.target, request.headers, request.head, body)


async def _read_answer(reader: asyncio.StreamReader, method: str) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
    }
    if method == "HEAD" or status in {204, 304}:
        return head
    if b"chunked" in headers.get(b"transfer-encoding", b""):
        return head + await _read_chunks(reader)
    length = int(headers.get(b"content-length", 0))
    return head + (await reader.readexactly(length) if length else b"")


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    found, size = b"", -1
    while size != 0:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        found += line + await reader.readexactly(size + 2)
    return found


def _answer(status: int, reason: str) -> bytes:
    return f"HTTP/1.1 {status} {reason}\r\nContent-Length: 0\r\n\r\n".encode()


async def _end(*writers: asyncio.StreamWriter | None, breaks: bool) -> None:
    """Close connections, in order or with a reset, as a broken network does."""
    ending = [writer for writer in writers if writer is not None]
    for writer in ending:
        connection = writer.get_extra_info("socket")
        if breaks and connection is not None:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.close()
    for writer in ending:
        with contextlib.suppress(OSError):
            await writer.wait_closed()
