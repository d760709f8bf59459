"""JSON that all readers understand alike (RFC 8259): no NaN, no field twice, no broken text, few levels."""

import json
import math
from typing import Any

#: Characters of a field's name that are repeated back to the caller.
_LONGEST_NAME = 64

#: Deepest nesting of lists and objects in the body of an HTTP request.
MAX_DEPTH = 32

#: The same for a message, which is one level around such a body: `SubmitJob` contains a submission.
MAX_MESSAGE_DEPTH = MAX_DEPTH + 1


class StrictJsonError(ValueError):
    """The text is not usable JSON."""


def parse(raw: bytes, max_depth: int = MAX_DEPTH) -> Any:
    """Return a JSON document. Raises StrictJsonError with the reason, and the place where there is one."""
    try:
        document = json.loads(
            raw.decode(), parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique
        )
    except StrictJsonError:
        raise
    except UnicodeDecodeError as error:
        raise StrictJsonError(f"the body is not UTF-8: byte {error.start} cannot be read") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise StrictJsonError(f"the body is not JSON: {error.msg} at {place}") from None
    except RecursionError:
        raise StrictJsonError(_too_deep(max_depth)) from None
    except ValueError:
        raise StrictJsonError("the body contains a number with too many digits") from None
    _check(document, max_depth)
    return document


def canonical(document: Any) -> str:
    """Return the text of a document; equal documents have equal text."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))


def _unique(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a field that is there twice: it is not known which of the two was meant."""
    document: dict[str, Any] = {}
    for name, value in fields:
        if name in document:
            shown = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
            raise StrictJsonError(f"the body names {shown!a} twice; send it once")
        document[name] = value
    return document


def _refuse_constant(name: str) -> float:
    raise StrictJsonError(f"the body contains {name}, which is not JSON; use null or a text")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise StrictJsonError("the body contains a number too large for a 64-bit float; send it as text")
    return number


def _check(document: Any, max_depth: int) -> None:
    waiting = [(document, 1)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, dict | list):
            if depth > max_depth:
                raise StrictJsonError(_too_deep(max_depth))
            if isinstance(value, dict):
                for key in value:
                    _check_text(key)
                value = list(value.values())
            waiting += [(item, depth + 1) for item in value]


def _check_text(text: str) -> None:
    if not text.isascii() and any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        raise StrictJsonError(
            "a text in the body contains half of a surrogate pair, which is not a character"
        )


def _too_deep(max_depth: int) -> str:
    return f"the body nests lists and objects more than {max_depth} levels deep"
