"""Parameters as people type them."""

import json
import math
import shlex
import sys
from pathlib import Path
from typing import Any

import typer


class NotANumberError(ValueError):
    """A number that Python reads and JSON does not have, such as NaN."""


def read_parameters(text: str | None, pairs: list[str]) -> dict[str, Any]:
    """Put together `--parameters JSON|@file|@-` and any `-p key=value`, which win.

    A value is JSON where it can be read as such, else text. Raises typer.BadParameter.
    """
    parameters = _document(text) if text is not None else {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise typer.BadParameter(f"write {pair!r} as key=value", param_hint="-p")
        parameters[key] = _value(key, value)
    return parameters


def read_properties(pairs: list[str]) -> dict[str, str]:
    """Read any number of key=value. Raises typer.BadParameter."""
    properties = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise typer.BadParameter(f"write {pair!r} as key=value", param_hint="--property")
        properties[key] = value
    return properties


def _document(text: str) -> dict[str, Any]:
    source = "the value"
    if text.startswith("@"):
        source = "standard input" if text == "@-" else text[1:]
        try:
            text = sys.stdin.read() if text == "@-" else Path(text[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise typer.BadParameter(f"cannot read {source}: {error}", param_hint="--parameters") from None
    try:
        document = read_json(text)
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(f"{source} is not JSON: {error}", param_hint="--parameters") from None
    if not isinstance(document, dict):
        raise typer.BadParameter(f"{source} is not a JSON object", param_hint="--parameters")
    return document


def _value(key: str, text: str) -> Any:
    try:
        return read_json(text)
    except NotANumberError as error:
        quoted = shlex.quote(f'{key}="{text}"')
        message = f"{key}: {error}: write null, or as a text -p {quoted}"
        raise typer.BadParameter(message, param_hint="-p") from None
    except (ValueError, RecursionError):
        return text


def read_json(text: str) -> Any:
    """Read JSON. Raises NotANumberError for the numbers that it does not have, and ValueError."""
    odd: list[str] = []
    # What only begins like such a number, as a text may, is not JSON at all.
    document = json.loads(text, parse_constant=odd.append, parse_float=lambda number: _finite(number, odd))
    if odd:
        raise NotANumberError(f"{odd[0]} is not JSON")
    return document


def _finite(text: str, odd: list[str]) -> float:
    number = float(text)
    if not math.isfinite(number):
        odd.append(text)
    return number
