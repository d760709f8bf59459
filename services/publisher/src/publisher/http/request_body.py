"""Reading a request's body: its media type and its size."""

from email.message import Message
from http import HTTPStatus

from fastapi import Request
from starlette.requests import ClientDisconnect

from contracts.jobs import MAX_BODY_BYTES
from publisher.http.problem import ProblemError


async def read_body(request: Request, most_bytes: int = MAX_BODY_BYTES) -> bytes:
    """Return the body of a request that sends JSON. Raises ProblemError saying what is wrong with it."""
    _check_media_type(request.headers.get("content-type", ""))
    raw = await _read(request, most_bytes)
    if not raw:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "not_json", "The body is empty; send a JSON object.")
    return raw


async def read_optional_body(request: Request) -> bytes:
    """Return the body of a request that may send JSON; empty without one. Raises ProblemError."""
    raw = await _read(request, MAX_BODY_BYTES)
    if raw:
        _check_media_type(request.headers.get("content-type", ""))
    return raw


def _check_media_type(header: str) -> None:
    message = Message()
    message["content-type"] = header
    essence = message.get_content_type()
    is_json = essence == "application/json" or (
        essence.startswith("application/") and essence.endswith("+json")
    )
    charset = str(message.get_param("charset") or "utf-8").lower()
    if not header or not is_json or charset not in {"utf-8", "utf8", "us-ascii"}:
        raise ProblemError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "wrong_media_type",
            "Send JSON in UTF-8, with the header Content-Type: application/json.",
            headers={"Accept": "application/json"},
        )


async def _read(request: Request, most_bytes: int) -> bytes:
    """Read no more than allowed, also when the length header is wrong."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced[:20]) > most_bytes:
        raise _too_large(most_bytes)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most_bytes:
                raise _too_large(most_bytes)
    except ClientDisconnect:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "not_json", "The body ended early.") from None
    return bytes(body)


def _too_large(most_bytes: int) -> ProblemError:
    return ProblemError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "body_too_large",
        f"The body is larger than {most_bytes // 1024} KiB; put large input into a blob and name it"
        f"{', or send fewer jobs at a time' if most_bytes > MAX_BODY_BYTES else ''}.",
        headers={"Connection": "close"},
    )
