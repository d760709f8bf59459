"""Values that outlive a run: results, step results and saved state, all of them JSON of bounded size."""

import json
from typing import Any

from pydantic_core import PydanticSerializationError, to_jsonable_python

from turnstile.errors import NotStorableError

#: Most bytes of JSON (UTF-8) that one result, step result or state may have.
MAX_BYTES = 256 * 1024


def to_json(value: Any, what: str) -> str:
    """Return the JSON of a value; pydantic models, dates, sets and the like are translated.

    `what` names the value in the errors, as in "the result of step 'load'". Raises NotStorableError.
    """
    try:
        text = json.dumps(
            to_jsonable_python(value), ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
        size = len(text.encode())
    except (PydanticSerializationError, ValueError, TypeError, RecursionError) as error:
        raise NotStorableError(f"{what} is not JSON: {error}") from error
    if size > MAX_BYTES:
        raise NotStorableError(f"{what} has {size:,} bytes; at most {MAX_BYTES:,} are kept")
    return text
