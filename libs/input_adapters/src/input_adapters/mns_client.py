"""The calls of Alibaba's Simple Message Queue (MNS), version 2015-06-06, that an input needs.

Sources: help.aliyun.com/en/mns/developer-reference, and aliyun-mns-sdk 1.3.0 for the signature.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from email.utils import formatdate
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import aiohttp
from yarl import URL

from input_adapters.mns_source import MnsSource
from inputs.port import DeliveryLostError, InputUnavailableError

_NAMESPACE = "http://mns.aliyuncs.com/doc/v1/"
_VERSION = "2015-06-06"
_CONTENT_TYPE = "text/xml"

#: Bytes of an answer that are read: 16 messages of 64 KiB, and what is around them.
_LONGEST_ANSWER = 2 * 1024 * 1024

#: Seconds for an answer, in addition to those that a request may wait for messages.
_ANSWER_SECONDS = 10.0

#: What the service says of a receipt that counts no more.
_LOST = frozenset({"MessageNotExist", "ReceiptHandleError", "InvalidReceiptHandle"})

_REMEDIES: Mapping[str, str] = {
    "QueueNotExist": "create the queue, or correct its name",
    "AccessDenied": "give the access key the right to it",
    "InvalidAccessKeyId": "correct source.access_key_id",
    "SignatureDoesNotMatch": "correct source.access_key_secret",
    "TimeExpired": "correct the clock of this machine",
}


class MnsClient:
    """Calls the service. Each call raises InputUnavailableError when it fails."""

    def __init__(self, source: MnsSource) -> None:
        self._source = source
        self._session: aiohttp.ClientSession | None = None

    async def receive(
        self, queue: str, count: int, wait_seconds: int, *, peek: bool = False
    ) -> list[Mapping[str, str]]:
        """Return the fields of at most `count` messages, and take or `peek` at them; none after the wait."""
        how = "peekonly=true" if peek else f"waitseconds={wait_seconds}"
        path = f"/queues/{queue}/messages?numOfMessages={count}&{how}"
        try:
            answer = await self._call("GET", path, waits=wait_seconds)
        except DeliveryLostError:
            # An empty queue and a message that is gone are one code.
            return []
        return [_fields(message) for message in answer.iter(_name("Message"))]

    async def delete(self, queue: str, receipt: str) -> None:
        """Delete a message. Raises DeliveryLostError when its receipt counts no more."""
        await self._call("DELETE", f"/queues/{queue}/messages?ReceiptHandle={receipt}")

    async def hide(self, queue: str, receipt: str, seconds: int) -> str:
        """Hide a message from other receivers from now on; return its new receipt.

        Raises DeliveryLostError when the receipt counts no more.
        """
        path = f"/queues/{queue}/messages?receiptHandle={receipt}&visibilityTimeout={seconds}"
        return _fields(await self._call("PUT", path))["ReceiptHandle"]

    async def send(self, queue: str, body: str) -> None:
        """Send a message; its body is written as it is."""
        text = f'<Message xmlns="{_NAMESPACE}"><MessageBody>{escape(body)}</MessageBody></Message>'
        await self._call("POST", f"/queues/{queue}/messages", text)

    async def attributes(self, queue: str) -> Mapping[str, str]:
        """Return the attributes of a queue."""
        return _fields(await self._call("GET", f"/queues/{queue}"))

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _call(self, verb: str, path: str, body: str | None = None, waits: float = 0) -> ET.Element:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        timeout = aiohttp.ClientTimeout(total=waits + _ANSWER_SECONDS)
        url = URL(self._source.endpoint + path, encoded=True)
        try:
            async with self._session.request(
                verb, url, data=body, headers=self._headers(verb, path), timeout=timeout
            ) as answer:
                raw, status = await _read(answer), answer.status
        except (aiohttp.ClientError, OSError) as error:
            raise InputUnavailableError(f"MNS does not answer: {error!r}") from error
        document = _parsed(raw) if raw.strip() else ET.Element("Nothing")
        if status >= 400:
            raise _error(status, _fields(document))
        return document

    def _headers(self, verb: str, path: str) -> dict[str, str]:
        date = formatdate(usegmt=True)
        signed = f"{verb}\n\n{_CONTENT_TYPE}\n{date}\nx-mns-version:{_VERSION}\n{path}"
        secret = self._source.access_key_secret.get_secret_value().encode()
        # The service knows no newer algorithm.
        digest = hmac.new(secret, signed.encode(), hashlib.sha1).digest()
        key_id = self._source.access_key_id.get_secret_value()
        headers = {
            "Authorization": f"MNS {key_id}:{base64.b64encode(digest).decode()}",
            "Content-Type": _CONTENT_TYPE,
            "Date": date,
            "x-mns-version": _VERSION,
        }
        if self._source.security_token is not None:
            headers["security-token"] = self._source.security_token.get_secret_value()
        return headers


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """Return the body of an answer. Raises InputUnavailableError when it is too long."""
    raw = bytearray()
    async for part in answer.content.iter_chunked(65_536):
        raw += part
        if len(raw) > _LONGEST_ANSWER:
            raise InputUnavailableError(f"MNS answers with more than {_LONGEST_ANSWER:,} bytes")
    return bytes(raw)


def _error(status: int, fields: Mapping[str, str]) -> Exception:
    code = fields.get("Code", f"status {status}")
    if code in _LOST:
        return DeliveryLostError(f"MNS answers {code}")
    remedy = _REMEDIES.get(code)
    said = f"{code}: {fields.get('Message', '')[:200]}"
    return InputUnavailableError(f"MNS answers {said}; {remedy}" if remedy else f"MNS answers {said}")


def _parsed(raw: bytes) -> ET.Element:
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        # The service has none: they could only make much of little.
        raise InputUnavailableError("MNS answers with a document type, which it never does")
    try:
        return ET.fromstring(raw)  # noqa: S314 - without entities, it is as large as it looks
    except ET.ParseError as error:
        raise InputUnavailableError(f"MNS answers with what is not XML: {error}") from None


def _name(name: str) -> str:
    return f"{{{_NAMESPACE}}}{name}"


def _fields(element: ET.Element) -> dict[str, str]:
    """Return the texts of the parts of an element by their names, without the name space."""
    return {part.tag.partition("}")[2] or part.tag: part.text or "" for part in element}
