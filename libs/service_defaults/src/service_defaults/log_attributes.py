"""Attributes of a log record as they are sent: under names that no receiver refuses, and within its bounds.

Loki answers 400 to a whole request, with records of other senders, for one name without a letter or digit of
ASCII, or for one record with more than 64 KB or 128 attributes.
"""

from collections.abc import Mapping
from functools import lru_cache

from contracts.telemetry import attributes as at
from contracts.telemetry.names import Attribute
from contracts.telemetry.spelling import TAKEN, label_of

Value = bool | float | int | str

_OURS = frozenset(value for value in vars(at).values() if isinstance(value, Attribute))
#: Bytes of one attribute, and of all of a record, names included; Loki adds those of the sender, at most some
#: kilobytes.
_MOST_OF_ONE, _MOST_OF_ALL = 16 * 1024, 48 * 1024
_MOST_ATTRIBUTES = 100
_MOST_OF_A_NAME = 200
#: Of a number as text.
_OF_A_NUMBER = 24
#: Bytes of a record's text; Loki takes 256 KB.
MOST_OF_A_LINE = 64 * 1024


def bounded(attributes: Mapping[str, Value]) -> dict[str, Value]:
    """Return the attributes to send; what is left out is counted in one of them."""
    found: dict[str, Value] = {}
    labels: set[str] = set()
    left, left_out = _MOST_OF_ALL, 0
    # Ours first: they say whose line it is.
    for name, value in sorted(attributes.items(), key=_is_of_others):
        sent_name, label = _named(name, labels)
        size = len(sent_name)
        room = min(left - size, _MOST_OF_ONE)
        if len(found) == _MOST_ATTRIBUTES or room < _OF_A_NUMBER:
            left_out += 1
            continue
        sent = value
        if isinstance(value, str):
            # A name that cannot be sent as one is sent with the value.
            sent = cut(value if label_of(name) else f"{name}: {value}", room)
            size += size_of(sent)
        else:
            size += _OF_A_NUMBER
        labels.add(label)
        found[sent_name] = sent
        left -= size
    if left_out:
        found[at.ATTRIBUTES_DROPPED] = left_out
    return found


def cut(text: str, most: int) -> str:
    """Return the text with at most so many bytes; one that is cut ends with an ellipsis."""
    if text.isascii() and len(text) <= most:
        return text
    # Half a character, which JSON and Python allow, would make the whole request fail.
    sent = text.encode(errors="replace")
    return sent.decode() if len(sent) <= most else sent[: most - 3].decode(errors="ignore") + "…"


def size_of(text: str) -> int:
    """Return how many bytes the text takes when it is sent."""
    return len(text) if text.isascii() else len(text.encode(errors="replace"))


def _named(name: str, labels: set[str]) -> tuple[str, str]:
    """Return the name to send, and its label, which no other attribute has."""
    sent, label = _sendable(name)
    number = 1
    while label in labels:
        number += 1
        sent = f"{_sendable(name)[0]}_{number}"
        label = label_of(sent)
    return sent, label


@lru_cache(4096)
def _sendable(name: str) -> tuple[str, str]:
    label = label_of(name)
    if not label:
        return "unnamed", "unnamed"
    if label in TAKEN and name not in _OURS:
        name = f"handler.{name}"
    name = name if len(name) <= _MOST_OF_A_NAME else name[:_MOST_OF_A_NAME]
    name = name if name.isascii() else label_of(name)
    return name, label_of(name)


def _is_of_others(item: tuple[str, Value]) -> bool:
    return item[0] not in _OURS
