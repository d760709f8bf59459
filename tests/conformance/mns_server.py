"""A stand-in for Alibaba's Simple Message Queue (MNS) over HTTP, with its signature and its faults.

It follows the documents of the service; none of this ran against the service itself.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from aiohttp import web
from aiohttp.test_utils import TestServer

KEY_ID, SECRET = "key-of-tests", "secret-of-tests-7b1a"
NAMESPACE = "http://mns.aliyuncs.com/doc/v1/"
LONGEST_SKEW = 900


@dataclass
class Message:
    number: int
    body: str
    enqueued_at: float
    visible_at: float
    dequeued: int = 0
    receipt: str = ""


@dataclass
class MnsServer:
    """The service: queues by name, and what is wrong with it."""

    queues: dict[str, list[Message]] = field(default_factory=dict)
    visibility: int = 30
    #: Seconds by which its clock is ahead, so that receipts run out.
    ahead: float = 0.0
    #: Fault: every call is answered with this status.
    status: int | None = None
    #: Fault: every call is answered with this body.
    answer: bytes | None = None
    #: Fault: seconds by which the clocks of callers are behind.
    skew: float = 0.0
    calls: list[str] = field(default_factory=list)
    _count: int = 0

    def now(self) -> float:
        return time.time() + self.ahead

    def send(self, queue: str, body: str) -> str:
        self._count += 1
        now = self.now()
        self.queues[queue].append(Message(self._count, body, now, now))
        return f"id-{self._count}"

    async def handle(self, request: web.Request) -> web.Response:
        self.calls.append(f"{request.method} {request.path_qs}")
        if self.status is not None or self.answer is not None:
            return web.Response(status=self.status or 200, body=self.answer or b"")
        wrong = self._wrong_signature(request)
        if wrong is not None:
            return failure(*wrong)
        queue = self.queues.get(request.match_info["queue"])
        if queue is None:
            return failure(404, "QueueNotExist")
        query = request.query
        match request.method, "messages" in request.path:
            case "GET", False:
                return answered(200, self._attributes(queue))
            case "GET", True:
                return self._receive(queue, int(query["numOfMessages"]), peek="peekonly" in query)
            case "DELETE", True:
                message = self._held(queue, query["ReceiptHandle"])
                if message is None:
                    return failure(404, "MessageNotExist")
                queue.remove(message)
                return web.Response(status=204)
            case "PUT", True:
                message = self._held(queue, query["receiptHandle"])
                if message is None:
                    return failure(404, "MessageNotExist")
                return answered(200, self._hide(message, int(query["visibilityTimeout"])))
            case _:
                document = ET.fromstring(await request.read())
                body = document.findtext(f"{{{NAMESPACE}}}MessageBody") or ""
                message_id = self.send(request.match_info["queue"], body)
                return answered(201, f"<MessageId>{message_id}</MessageId>")

    def _wrong_signature(self, request: web.Request) -> tuple[int, str] | None:
        headers = request.headers
        sent = parsedate_to_datetime(headers["Date"]).timestamp()
        if abs(sent - time.time() - self.skew) > LONGEST_SKEW:
            return 408, "TimeExpired"
        own = "".join(
            f"{name.lower()}:{value}\n"
            for name, value in sorted(headers.items())
            if name.lower().startswith("x-mns-")
        )
        lines = (request.method, headers.get("Content-MD5", ""), headers["Content-Type"], headers["Date"])
        text = "\n".join(lines) + "\n" + own + request.raw_path
        digest = base64.b64encode(hmac.new(SECRET.encode(), text.encode(), hashlib.sha1).digest()).decode()
        key, _, signature = headers["Authorization"].removeprefix("MNS ").partition(":")
        if key != KEY_ID:
            return 403, "InvalidAccessKeyId"
        return None if hmac.compare_digest(signature, digest) else (403, "SignatureDoesNotMatch")

    def _attributes(self, queue: list[Message]) -> str:
        active = sum(message.visible_at <= self.now() for message in queue)
        timeout = f"<VisibilityTimeout>{self.visibility}</VisibilityTimeout>"
        return f"<ActiveMessages>{active}</ActiveMessages>{timeout}"

    def _receive(self, queue: list[Message], count: int, *, peek: bool) -> web.Response:
        # It never waits, as the service with too many receivers.
        found = [message for message in queue if message.visible_at <= self.now()][:count]
        if not found:
            return failure(404, "MessageNotExist")
        for message in found if not peek else ():
            message.dequeued += 1
            self._hide(message, self.visibility)
        texts = "".join(f"<Message>{_fields(message)}</Message>" for message in found)
        return web.Response(
            status=200, text=f'<?xml version="1.0"?><Messages xmlns="{NAMESPACE}">{texts}</Messages>'
        )

    def _hide(self, message: Message, seconds: int) -> str:
        self._count += 1
        message.visible_at = self.now() + seconds
        message.receipt = f"1-{message.number}-{self._count}=="
        return f"<ReceiptHandle>{message.receipt}</ReceiptHandle>"

    def _held(self, queue: list[Message], receipt: str) -> Message | None:
        return next(
            (each for each in queue if each.receipt == receipt and each.visible_at > self.now()), None
        )


def _fields(message: Message) -> str:
    fields = {
        "MessageId": f"id-{message.number}",
        "ReceiptHandle": message.receipt,
        "MessageBody": escape(message.body),
        "EnqueueTime": int(message.enqueued_at * 1000),
        "DequeueCount": message.dequeued,
    }
    return "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())


def answered(status: int, fields: str) -> web.Response:
    return web.Response(
        status=status, text=f'<?xml version="1.0"?><Answer xmlns="{NAMESPACE}">{fields}</Answer>'
    )


def failure(status: int, code: str) -> web.Response:
    return answered(status, f"<Code>{code}</Code><Message>no</Message><RequestId>1</RequestId>")


@asynccontextmanager
async def serving(server: MnsServer) -> AsyncIterator[str]:
    """Serve on this machine for as long as the context lasts; yields the address."""
    app = web.Application()
    app.router.add_route("*", "/queues/{queue}", server.handle)
    app.router.add_route("*", "/queues/{queue}/messages", server.handle)
    async with TestServer(app) as running:
        yield str(running.make_url("")).rstrip("/")
