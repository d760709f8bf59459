"""Values that outlive a run: results, step results and saved state, all of them JSON of bounded size."""

import json
import math
from typing import Any, SupportsFloat

import pydantic_core
from pydantic_core import PydanticSerializationError, to_jsonable_python

from turnstile.errors import NotStorableError

#: Most bytes of JSON (UTF-8) that one result, step result or state may have.
MAX_BYTES = 256 * 1024


def to_json(value: Any, what: str) -> str:
    """Return the JSON of a value.

    Pydantic models and dataclasses become objects, tuples and sets arrays (of a set in no certain order),
    dates ISO 8601 texts, enumerations their values, Decimal, UUID and paths texts; keys of dicts become
    texts. `what` names the value in the errors, as in "the result of step 'load'". Raises NotStorableError,
    also when two keys of a dict would become the same text, as 1 and "1".
    """
    try:
        text = json.dumps(
            to_jsonable_python(value), ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
        size = len(text.encode())
        if size <= MAX_BYTES:
            # Writes every key, so that two which became one text are still seen.
            json.loads(pydantic_core.to_json(value), object_pairs_hook=_object)
    except (PydanticSerializationError, ValueError, TypeError, RecursionError) as error:
        raise NotStorableError(f"{what} is not JSON: {error}") from error
    if size > MAX_BYTES:
        raise NotStorableError(f"{what} has {size:,} bytes; at most {MAX_BYTES:,} are kept")
    return text


def finite(number: SupportsFloat, what: str) -> float:
    """Return a number as a float. Raises ValueError that names it when it is not finite, or TypeError."""
    if isinstance(number, str | bytes):
        raise TypeError(f"{what} must be a number, not {number!r}")
    try:
        value = float(number)
    except (OverflowError, ValueError):
        value = math.inf
    if not math.isfinite(value):
        raise ValueError(f"{what} must be a finite number, and at most 1.8e308")
    return value


def _object(pairs: list[tuple[str, Any]]) -> None:
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        (first, *_) = (key for key in keys if keys.count(key) > 1)
        raise ValueError(f"two keys of a dict would both become {first!r}")
