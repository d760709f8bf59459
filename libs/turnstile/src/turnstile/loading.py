"""Loading jobs modules: which kinds they define, and what is wrong with them."""

import importlib
import inspect
import json
import sys
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

from pydantic import PydanticUndefinedAnnotation, PydanticUserError

from turnstile.errors import LoadError
from turnstile.kinds import DEFINED, MARK, Kind, place_of

#: Characters. A worker publishes both in one row of a table, which holds no more than a megabyte.
_LONGEST_SCHEMA, _LONGEST_DESCRIPTION = 200_000, 4_000


def load(modules: Iterable[str]) -> dict[str, Kind]:
    """Import modules and gather the kinds that they, and what they import below themselves, define.

    Raises LoadError, which names the module and the reason.
    """
    kinds: dict[str, Kind] = {}
    for name in modules:
        found = _kinds_in(name, _import(name))
        if not found:
            raise LoadError(f"jobs module {name!r} defines no jobs (no @job in it or in what it imports)")
        for kind in found:
            _check_schema(name, kind)
            other = kinds.setdefault(kind.name, kind)
            if other.handler is not kind.handler:
                raise LoadError(
                    f"jobs module {name!r}: kind {kind.name!r} is defined twice, "
                    f"by {place_of(other)} and {place_of(kind)}"
                )
    return kinds


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise LoadError(
            f"jobs module {name!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error


def _kinds_in(name: str, module: ModuleType) -> list[Kind]:
    prefix = module.__name__ + "."
    below = [other for place, other in list(sys.modules.items()) if place.startswith(prefix) and other]
    found: dict[int, Kind] = {}
    defined: list[Kind] = []
    for place in [module, *below]:
        defined += vars(place).get(DEFINED, ())
        for variable, value in list(vars(place).items()):
            for kind in _kind_of(value):
                if value is not kind.handler:
                    raise LoadError(
                        f"jobs module {name!r}: {place.__name__}.{variable} wraps the handler of kind "
                        f"{kind.name!r}, and would not be called: put @job above the other decorators"
                    )
                found[id(kind)] = kind
    for kind in defined:
        if id(kind) not in found:
            raise LoadError(
                f"jobs module {name!r}: no variable holds the handler of kind {kind.name!r}, "
                f"{place_of(kind)}: give each handler a function name of its own"
            )
    return list(found.values())


def _kind_of(value: Any) -> Iterator[Kind]:
    kind = vars(value).get(MARK) if inspect.isfunction(value) else None
    if isinstance(kind, Kind):
        yield kind


def _check_schema(module: str, kind: Kind) -> None:
    try:
        schema = kind.schema()
    except (PydanticUserError, PydanticUndefinedAnnotation) as error:
        raise LoadError(
            f"jobs module {module!r}: the parameters of kind {kind.name!r} have no JSON schema: {error}"
        ) from error
    texts = {
        "JSON schema of the parameters": (json.dumps(schema), _LONGEST_SCHEMA),
        "description": (kind.description, _LONGEST_DESCRIPTION),
    }
    for what, (text, longest) in texts.items():
        if len(text) > longest:
            raise LoadError(
                f"jobs module {module!r}: the {what} of kind {kind.name!r} has {len(text):,} characters, "
                f"and may have {longest:,}"
            )
