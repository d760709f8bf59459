"""Decoding a message's properties: whatever stands in them, the connection lives.

pamqp refuses a frame for a timestamp beyond the year 9999 (one in microseconds, say), for a name that is
not UTF-8, for a table nested too deeply. The connection ends with the frame, the broker delivers the message
again over the next one, and the service is away until the delivery limit is reached, a minute or more. What
cannot be read is left out here, so that the message reaches a handler.
"""

import struct
from typing import Any

from pamqp import decode

_UNREADABLE = (ValueError, ArithmeticError, OSError, RecursionError)


def tolerate_any_properties() -> None:
    """Let this process read every message; harmless when repeated."""
    decode.METHODS |= {"timestamp": _timestamp, "shortstr": _short_text, "table": _table}
    decode.TABLE_MAPPING[b"T"] = _timestamp


def _timestamp(value: bytes) -> tuple[int, Any]:
    try:
        return decode.timestamp(value)
    except _UNREADABLE:
        return 8, None


def _short_text(value: bytes) -> tuple[int, str]:
    end = 1 + value[0]
    return end, value[1:end].decode(errors="replace")


def _table(value: bytes) -> tuple[int, Any]:
    try:
        return decode.field_table(value)
    except _UNREADABLE:
        (length,) = struct.unpack_from(">I", value)
        return 4 + length, {}
