"""What is entered into a form, and the parameters that it stands for.

An entry is text, except for a choice (an index), a yes or no, and a date. What is empty is left out. What is
shown is what is sent: defaults are entered before the viewer changes them.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from pydantic import JsonValue

from contracts.strict_json import StrictJsonError, parse
from dashboard.forms.schema import FieldType, FormField, Path, leaves

_WHOLE = re.compile(r"[+-]?[0-9]{1,300}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,4})?")

#: What a widget holds.
Entry = str | bool | int | date | None

Entries = Mapping[Path, Entry]


@dataclass
class Parameters:
    """What was entered, as parameters, and what is wrong with which field."""

    values: dict[str, JsonValue] = field(default_factory=dict)
    errors: dict[Path, str] = field(default_factory=dict)


class EntryError(ValueError):
    """An entry is not what its field takes."""


def default_entries(fields: Sequence[FormField]) -> dict[Path, Entry]:
    """Return what a form has before anything is entered."""
    entries: dict[Path, Entry] = {}
    for one in fields:
        if one.type is not FieldType.GROUP:
            entries[one.path] = _entry_of(one, one.default) if one.has_default else None
        elif isinstance(one.default, dict):
            entries |= _entries_of(one.fields, one.default)
        elif one.is_required:
            entries |= default_entries(one.fields)
        else:
            # Else an object that is left out would be sent as soon as the form is opened.
            entries |= dict.fromkeys((leaf.path for leaf in leaves(one.fields)), None)
    return entries


def entries_of(fields: Sequence[FormField], parameters: Mapping[str, JsonValue]) -> dict[Path, Entry] | None:
    """Return the entries that stand for parameters; None when a form cannot show them as they are."""
    entries = _entries_of(fields, parameters)
    made = parameters_of(fields, entries)
    return entries if not made.errors and _same(made.values, dict(parameters)) else None


def parameters_of(fields: Sequence[FormField], entries: Entries) -> Parameters:
    """Return the parameters that the entries stand for, and what is wrong with them."""
    found = Parameters()
    for one in fields:
        if one.type is FieldType.GROUP:
            _take_group(found, one, entries)
            continue
        try:
            value = _value_of(one, entries.get(one.path))
        except EntryError as error:
            found.errors[one.path] = str(error)
            continue
        if value is not _NOTHING:
            found.values[one.name] = value  # type: ignore[assignment]
        elif one.is_required:
            found.errors[one.path] = "is required"
    return found


def field_errors(
    fields: Sequence[FormField], refused: Iterable[tuple[str, str]], prefix: str = "parameters"
) -> tuple[dict[Path, str], list[tuple[str, str]]]:
    """Give each error that the publisher found to the field that it names; return the others as they are."""
    at_fields: dict[Path, str] = {}
    others: list[tuple[str, str]] = []
    places = {".".join((prefix, *leaf.path)): leaf.path for leaf in leaves(fields)}
    for place, message in refused:
        owners = [known for known in places if place == known or place.startswith((f"{known}.", f"{known}["))]
        if not owners:
            others.append((place, message))
            continue
        owner = max(owners, key=len)
        inside = place.removeprefix(owner).lstrip(".")
        path, text = places[owner], f"{inside}: {message}" if inside else message
        at_fields[path] = f"{at_fields[path]}; {text}" if path in at_fields else text
    return at_fields, others


class _Nothing:
    """Nothing was entered."""


_NOTHING = _Nothing()


def _take_group(found: Parameters, group: FormField, entries: Entries) -> None:
    inner = parameters_of(group.fields, entries)
    is_empty = not inner.values and all(_is_empty(entries.get(leaf.path)) for leaf in leaves(group.fields))
    if is_empty and not group.is_required:
        return
    found.values[group.name] = inner.values
    found.errors |= inner.errors


def _is_empty(entry: Entry) -> bool:
    return entry is None or (isinstance(entry, str) and not entry.strip())


def _value_of(one: FormField, entry: Entry) -> JsonValue | _Nothing:
    if _is_empty(entry):
        return _NOTHING
    if isinstance(entry, bool):
        return entry
    if one.type is FieldType.CHOICE:
        return one.choices[int(str(entry))]
    if isinstance(entry, date):
        return entry.isoformat()
    return _VALUES.get(one.type, str)(str(entry))


def _integer(text: str) -> int:
    number = _number(text)
    if isinstance(number, float) and not number.is_integer():
        raise EntryError("is not a whole number")
    return int(number)


def _number(text: str) -> float | int:
    """Read a number as JSON writes it; `1,5` and `1_000` could be taken for something else."""
    text = text.strip()
    if _WHOLE.fullmatch(text):
        return int(text)
    number = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(number):
        raise EntryError("is not a number")
    return number


def _date_time(text: str) -> str:
    try:
        datetime.fromisoformat(text.strip())
    except ValueError:
        raise EntryError("is not a moment; write it like 2026-11-29T14:00:00Z") from None
    return text.strip()


def read_json(text: str) -> JsonValue:
    """Return what a JSON text says. Raises EntryError with the place of what is wrong."""
    try:
        value: JsonValue = parse(text.encode("utf-8", "surrogatepass"))
    except StrictJsonError as error:
        raise EntryError(str(error).replace("the body", "the text")) from None
    return value


_VALUES = {
    FieldType.INTEGER: _integer,
    FieldType.NUMBER: _number,
    FieldType.DATE_TIME: _date_time,
    FieldType.JSON: read_json,
}


def _entries_of(fields: Sequence[FormField], values: Mapping[str, JsonValue]) -> dict[Path, Entry]:
    entries: dict[Path, Entry] = {}
    for one in fields:
        value = values.get(one.name)
        if one.type is not FieldType.GROUP:
            entries[one.path] = _entry_of(one, value) if one.name in values else None
        else:
            entries |= _entries_of(one.fields, value if isinstance(value, dict) else {})
    return entries


def _entry_of(one: FormField, value: JsonValue) -> Entry:
    """Return what stands for a value; None for null, and for what the field cannot hold."""
    if value is None and one.type is not FieldType.JSON:
        return None
    match one.type:
        case FieldType.CHOICE:
            return next((n for n, choice in enumerate(one.choices) if _same(choice, value)), None)
        case FieldType.BOOLEAN:
            return value if isinstance(value, bool) else None
        case FieldType.DATE:
            return _date(value)
        case FieldType.JSON:
            return "" if value is None else json.dumps(value, ensure_ascii=False, indent=2)
        case FieldType.INTEGER | FieldType.NUMBER:
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            return json.dumps(value) if is_number else None
        case _:
            return value if isinstance(value, str) else None


def _date(value: JsonValue) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


def _same(one: JsonValue, other: JsonValue) -> bool:
    """Whether two values are the same JSON: 1 is not true, as it is in Python."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
