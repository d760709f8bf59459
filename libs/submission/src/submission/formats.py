"""Formats of texts in JSON schemas, as the models read them that the schemas are made from.

A standard's own rules would refuse what a model accepts, such as a time without a zone.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from typing import Any
from uuid import UUID

from pydantic import AnyUrl, TypeAdapter, ValidationError


def _reads_as(kind: Any) -> Callable[[str], bool]:
    adapter = TypeAdapter(kind)

    def fits(text: str) -> bool:
        try:
            adapter.validate_python(text)
        except ValidationError:
            return False
        return True

    return fits


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


#: Which texts have a format, by its name. Other names are not checked, or as the standard has them.
FORMATS: dict[str, Callable[[str], bool]] = {
    "date-time": _reads_as(datetime),
    "date": _reads_as(date),
    "time": _reads_as(time),
    "duration": _reads_as(timedelta),
    **dict.fromkeys(("uuid", *(f"uuid{version}" for version in range(1, 9))), _reads_as(UUID)),
    "ipv4": _reads_as(IPv4Address),
    "ipv6": _reads_as(IPv6Address),
    "ipv4network": _reads_as(IPv4Network),
    "ipv6network": _reads_as(IPv6Network),
    "ipv4interface": _reads_as(IPv4Interface),
    "ipv6interface": _reads_as(IPv6Interface),
    "uri": _reads_as(AnyUrl),
    "email": lambda text: "@" in text,
    "regex": _is_pattern,
}
