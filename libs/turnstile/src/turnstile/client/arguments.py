"""Checking the arguments of a call before anything is sent. All functions raise InvalidArgumentError."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, PydanticUndefinedAnnotation, PydanticUserError, TypeAdapter

from contracts.path_names import wrong_name
from turnstile.client.errors import InvalidArgumentError

#: Longest time for one request, in seconds.
_LONGEST_REQUEST = 86_400

#: Characters of a value that are repeated in a message.
_LONGEST_VALUE = 40


def name_of(argument: str, value: object, what: str) -> str:
    """Return a name or an id that stands in the path of a request."""
    if not isinstance(value, str):
        raise InvalidArgumentError(argument, f"must be {what}, not {_shown(value)}")
    wrong = wrong_name(value)
    if wrong is not None:
        raise InvalidArgumentError(argument, f"{wrong}: give {what}")
    return value


def mapping_of(argument: str, value: object) -> dict[str, Any]:
    """Return what becomes a JSON object: a mapping, or a pydantic model."""
    if isinstance(value, BaseModel):
        try:
            return value.model_dump(mode="json")
        except ValueError as error:
            raise InvalidArgumentError(argument, f"cannot be written as JSON: {error}") from error
    if not isinstance(value, Mapping):
        raise InvalidArgumentError(argument, f"must be a mapping or a pydantic model, not {_shown(value)}")
    return dict(value)


def texts_of(argument: str, value: object) -> list[Any]:
    """Return a list of texts, given one or several."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, Iterable):
        raise InvalidArgumentError(argument, f"must be a text or several, not {_shown(value)}")
    return list(value)


def moment_of(argument: str, value: object) -> str:
    """Return a time as the API reads it."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise InvalidArgumentError(
            argument, f"must be a datetime with a time zone, such as datetime.now(UTC), not {_shown(value)}"
        )
    return value.isoformat()


def time_limit(argument: str, value: float) -> float:
    """Return the seconds that a call may take."""
    if not _is_number(value):
        raise InvalidArgumentError(argument, f"must be a number of seconds, not {_shown(value)}")
    return value


def wait_limit(argument: str, value: float | None) -> float | None:
    """Return the seconds to wait for a job, or None for as long as it takes."""
    if value is not None and not _is_number(value):
        raise InvalidArgumentError(argument, f"must be a number of seconds, or None, not {_shown(value)}")
    return value


def request_time(argument: str, value: float) -> float:
    """Return the seconds for one request."""
    if not _is_number(value) or not 0 < value <= _LONGEST_REQUEST:
        raise InvalidArgumentError(
            argument,
            f"must be a number of seconds, more than 0 and at most {_LONGEST_REQUEST:,}, not {_shown(value)}",
        )
    return value


def event_number(argument: str, value: object) -> int:
    """Return the number of an event, or 0 for what is before the first one."""
    if not isinstance(value, int) or value < 0:
        raise InvalidArgumentError(argument, f"must be the number of an event, or 0, not {_shown(value)}")
    return value


def result_type(as_: Any) -> TypeAdapter[Any]:
    """Return what reads a result as a type."""
    try:
        return TypeAdapter(as_)
    except (PydanticUserError, PydanticUndefinedAnnotation, TypeError) as error:
        wanted = "must be a type that pydantic can read, such as a model, a dataclass or list[int]"
        raise InvalidArgumentError("as_", f"{wanted}, not {_shown(as_)}") from error


def encoded(body: object, place: str = "") -> bytes:
    """Return the JSON of a body, or of a part of it. The error names the place of what is not JSON."""
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        try:
            where, wrong = next(_not_json(body, place))
        except (RecursionError, StopIteration):
            where, wrong = place, "contains itself, or is nested too deeply for JSON"
        raise InvalidArgumentError(where or "body", wrong) from error


def _not_json(value: object, place: str) -> Iterator[tuple[str, str]]:
    """Yield the places of all values that are not JSON, and what to give instead."""
    match value:
        case float() if not math.isfinite(value):
            yield place, f"{value} is not JSON; give None or a text instead"
        case str():
            if any(0xD800 <= ord(character) <= 0xDFFF for character in value):
                yield place, "contains half of a surrogate pair, which is not a character; remove it"
        case dict():
            for key, within in value.items():
                if not isinstance(key, str | int | float | None):
                    yield place, f"has the name {_shown(key)}; names of JSON are texts"
                yield from _not_json(within, f"{place}.{key}" if place else str(key))
        case list() | tuple():
            for number, within in enumerate(value):
                yield from _not_json(within, f"{place}[{number}]")
        case None | bool() | int() | float():
            pass
        case _:
            yield (
                place,
                f"{_shown(value)} is not JSON; give a text, a number, a boolean, None, a list or a dict",
            )


def several(argument: str, values: object) -> Sequence[Any]:
    """Return the items of a list."""
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        raise InvalidArgumentError(argument, f"must be a list, not {_shown(values)}")
    return list(values)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not math.isnan(value)


def _shown(value: object) -> str:
    """Return a value, and its type where that does not tell by itself."""
    text = repr(value)
    shown = text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
    return shown if value is None else f"{shown} ({type(value).__name__})"
