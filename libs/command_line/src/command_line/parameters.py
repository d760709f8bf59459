"""Parameters as people type them."""

import json
import sys
from pathlib import Path
from typing import Any

import typer


def read_parameters(text: str | None, pairs: list[str]) -> dict[str, Any]:
    """Put together `--parameters JSON|@file|@-` and any `-p key=value`, which win.

    A value is JSON where it can be read as such, else text. Raises typer.BadParameter.
    """
    parameters = _document(text) if text is not None else {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise typer.BadParameter(f"write {pair!r} as key=value", param_hint="-p")
        parameters[key] = _value(value)
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
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(f"{source} is not JSON: {error}", param_hint="--parameters") from None
    if not isinstance(document, dict):
        raise typer.BadParameter(f"{source} is not a JSON object", param_hint="--parameters")
    return document


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _refuse(name: str) -> Any:
    raise ValueError(name)
