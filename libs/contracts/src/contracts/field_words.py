"""What pydantic finds wrong with a field, in words: what is wrong with it, and what to write instead."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

#: Fields of requests that are numbers of seconds, wherever they stand.
SECONDS = frozenset({"expires_in", "timeout", "cancel_grace", "interval", "misfire_after", "wait"})

#: Characters of a value that are repeated back to the caller.
_LONGEST_VALUE = 40

_DAY = 86_400

_MOMENT = "a time with an offset, such as 2026-12-24T18:00:00+01:00"

#: What a field must be whose value has a wrong type, by the first word of pydantic's name of the error.
_WANTED = {
    "bool": "true or false",
    "datetime": _MOMENT,
    "dict": "a JSON object",
    "list": "a list",
    "model": "a JSON object",
    "string": "a text",
    "timezone": _MOMENT,
}
_NUMBERS = {"float": "a number", "int": "a whole number"}

#: A boolean is a number, too, for Python.
_JSON_TYPES: Sequence[tuple[type, str]] = (
    (bool, "a boolean"),
    (int, "a number"),
    (float, "a number"),
    (str, "a text"),
    (list, "a list"),
    (dict, "an object"),
)

Error = Mapping[str, Any]


def in_words(error: Error, model: type[BaseModel] | None = None) -> str:
    """Return what is wrong with a field and what to write instead, from an error of pydantic.

    With the model that the document was read as, it names the known fields. Of values, it repeats only those
    of parameters in addresses and headers.
    """
    name = str(error.get("type", ""))
    describe = _BY_NAME.get(name)
    if describe is not None:
        return describe(error)
    if name == "extra_forbidden":
        return f"is not a known field{_known(model, error['loc'][:-1])}"
    # The second word of the name says how the value is wrong.
    wanted = _wanted(error, name.partition("_")[0])
    if wanted is None:
        return str(error.get("msg", "")).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if "parsing" in name and isinstance(error.get("input"), str):
        return f"must be {wanted}, not {_shortened(error['input'])!r}"
    if name.startswith("int") and isinstance(error.get("input"), float):
        return f"must be {wanted}, without a fraction"
    known = _known(model, error["loc"]) if name.startswith("model") else ""
    return f"must be {wanted}, not {_json_type(error.get('input'))}{known}"


def _wanted(error: Error, first: str) -> str | None:
    if first in _NUMBERS:
        return f"{_NUMBERS[first]} of seconds" if _is_time(error) else _NUMBERS[first]
    return _WANTED.get(first)


def _known(model: type[BaseModel] | None, place: Sequence[int | str]) -> str:
    names = [] if model is None else _fields(model, place)
    return f"; known fields: {', '.join(names)}" if names else ""


def _fields(model: type[BaseModel], place: Sequence[int | str]) -> list[str]:
    """Return the names of the fields of the object at a place in a document."""
    for part in place:
        field = model.model_fields.get(str(part))
        within = None if field is None else field.annotation
        if not (isinstance(within, type) and issubclass(within, BaseModel)):
            return []
        model = within
    return list(model.model_fields)


def _json_type(value: object) -> str:
    return next((words for types, words in _JSON_TYPES if isinstance(value, types)), "null")


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _is_time(error: Error) -> bool:
    return bool(error["loc"]) and error["loc"][-1] in SECONDS


def _limit(error: Error, name: str) -> str:
    limit = error["ctx"][name]
    if not _is_time(error):
        return f"{limit:,.10g}"
    days = f" ({limit / _DAY:.10g} days)" if limit > _DAY else ""
    return f"{limit:,.10g} second{'' if limit == 1 else 's'}{days}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _too_short(error: Error, noun: str) -> str:
    least = error["ctx"]["min_length"]
    return "must not be empty" if least == 1 else f"must have at least {_counted(least, noun)}"


def _too_long(error: Error, noun: str) -> str:
    return f"must have at most {_counted(error['ctx']['max_length'], noun)}, and has {len(error['input']):,}"


def _one_of(error: Error) -> str:
    return f"must be {error['ctx']['expected']}"


_BY_NAME: Mapping[str, Callable[[Error], str]] = {
    "missing": lambda _: "is required",
    "literal_error": _one_of,
    "enum": _one_of,
    "finite_number": lambda _: "must be a finite number",
    "greater_than": lambda error: f"must be more than {_limit(error, 'gt')}",
    "greater_than_equal": lambda error: f"must be at least {_limit(error, 'ge')}",
    "less_than": lambda error: f"must be less than {_limit(error, 'lt')}",
    "less_than_equal": lambda error: f"must be at most {_limit(error, 'le')}",
    "string_too_short": lambda error: _too_short(error, "character"),
    "string_too_long": lambda error: _too_long(error, "character"),
    "too_short": lambda error: _too_short(error, "item"),
    "too_long": lambda error: _too_long(error, "item"),
}
