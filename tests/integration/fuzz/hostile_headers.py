"""Properties of messages nobody should send."""

import time
from typing import Any

from pamqp.commands import Basic

#: The year 100,000 and more, in the only form of a moment that can be sent and goes so far.
FAR_AWAY = time.struct_time((2026, 1, 1, 10**12, 0, 0, 0, 1, 0))

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class RawText(str):
    """A text that is sent as bytes which are no UTF-8."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        return b"\xff\xfe"


def _nested(depth: int) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for _ in range(depth):
        table = {"a": table}
    return table


_WRONG: dict[str, Any] = {
    "a number": 7,
    "true": True,
    "nothing": None,
    "a list": [1, 2],
    "a list of lists": [[], [7]],
    "an empty list": [],
    "a table": {"a": 1},
    "bytes": bytearray(b"\xff\xfe"),
    "nonsense": "00-zz",
    "10 kB": "0" * 10_000,
    "a moment": FAR_AWAY,
    "not UTF-8": RawText("?"),
}

PROPERTIES: dict[str, Basic.Properties] = {
    **{
        f"traceparent {name}": Basic.Properties(headers={"traceparent": value})
        for name, value in _WRONG.items()
    },
    **{
        f"tracestate {name}": Basic.Properties(headers={"traceparent": TRACE, "tracestate": value})
        for name, value in _WRONG.items()
    },
    **{f"baggage {name}": Basic.Properties(headers={"baggage": value}) for name, value in _WRONG.items()},
    "10 kB of headers": Basic.Properties(headers={f"x-{number}": "y" * 1000 for number in range(10)}),
    "100 kB of headers": Basic.Properties(headers={"x": "y" * 100_000}),
    "tracestate of 100 kB": Basic.Properties(
        headers={"traceparent": TRACE, "tracestate": "a=" + "x" * 100_000}
    ),
    "forged delivery count": Basic.Properties(headers={"x-delivery-count": "many"}),
    "forged reason": Basic.Properties(headers={"x-reason": "none", "x-original-exchange": 7, "x-death": "x"}),
    "header without a name": Basic.Properties(headers={"": 1}),
    "header named in no UTF-8": Basic.Properties(headers={RawText("?"): 1}),
    "nul in a header": Basic.Properties(headers={"a\0b": "c\0d"}),
    "nested headers": Basic.Properties(headers=_nested(400)),
    "unknown content type": Basic.Properties(content_type="application/x-protobuf"),
    "broken content type": Basic.Properties(content_type="text/ü;;;=\r\nX: y"),
    "gzip announced": Basic.Properties(content_encoding="gzip"),
    "answer to nobody": Basic.Properties(reply_to="nobody", correlation_id="7"),
    "ids that are no UTF-8": Basic.Properties(message_id=RawText("?"), correlation_id=RawText("?")),
    "timestamp far away": Basic.Properties(timestamp=FAR_AWAY),  # type: ignore[arg-type]
    "priority": Basic.Properties(priority=255, message_type="x" * 255, app_id="\0"),
}
