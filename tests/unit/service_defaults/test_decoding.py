"""A message's properties, whatever stands in them, are read as far as they can be."""

import time
from collections.abc import Iterator

import pytest
from pamqp import commands, decode, frame, header

from service_defaults.broker.faststream_internals import tolerate_any_properties


class RawText(str):
    """A text that is sent as bytes which are no UTF-8."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        return b"\xff\xfe"


#: The year 100,000 and more, in the only form of a moment that can be sent and goes so far.
FAR_AWAY = time.struct_time((2026, 1, 1, 10**12, 0, 0, 0, 1, 0))


@pytest.fixture(autouse=True)
def tolerant() -> Iterator[None]:
    methods, table = dict(decode.METHODS), dict(decode.TABLE_MAPPING)
    tolerate_any_properties()
    yield
    decode.METHODS.update(methods)
    decode.TABLE_MAPPING.update(table)


def sent(properties: commands.Basic.Properties) -> commands.Basic.Properties:
    raw = frame.marshal(header.ContentHeader(0, 7, properties), 1)
    _, _, received = frame.unmarshal(raw)
    assert isinstance(received, header.ContentHeader)
    assert received.body_size == 7
    return received.properties


def test_a_moment_too_far_away_is_none() -> None:
    read = sent(commands.Basic.Properties(timestamp=FAR_AWAY, message_id="m", app_id="a"))  # type: ignore[arg-type]
    assert (read.timestamp, read.message_id, read.app_id) == (None, "m", "a")


def test_a_header_that_cannot_be_read_leaves_the_others() -> None:
    read = sent(commands.Basic.Properties(headers={"when": FAR_AWAY, "traceparent": "t"}))  # type: ignore[dict-item]
    assert read.headers == {"when": None, "traceparent": "t"}


def test_headers_nested_too_deeply_are_left_out() -> None:
    deep = b""
    for _ in range(5000):
        deep = b"\x01aF" + len(deep).to_bytes(4, "big") + deep
    end, headers = decode.METHODS["table"](len(deep).to_bytes(4, "big") + deep + b"rest")
    assert (end, headers) == (4 + len(deep), {})


def test_names_that_are_not_utf_8_are_read() -> None:
    read = sent(commands.Basic.Properties(message_id=RawText("?"), app_id="a"))
    assert (read.message_id, read.app_id) == ("\ufffd\ufffd", "a")
