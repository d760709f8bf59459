"""Finds, in source code, the telemetry names it uses: those of the schema, and those it should not use."""

import ast
from collections.abc import Iterable, Iterator

_SCHEMA = "contracts.telemetry"
_MODULES = ("attributes", "metrics", "resource", "spans")

#: Calls whose first argument names what is emitted.
_NAMING = frozenset(
    {
        "add_event",
        "create_counter",
        "create_gauge",
        "create_histogram",
        "create_observable_counter",
        "create_observable_gauge",
        "create_observable_up_down_counter",
        "create_up_down_counter",
        "set_attribute",
        "start_as_current_span",
        "start_span",
    }
)

#: Calls whose dictionaries are attributes.
_CARRYING = _NAMING | {"add", "record", "set", "set_attributes", "Observation", "Reading", "Link", "add_link"}

#: Calls whose keyword arguments are attributes.
_SPELLING = frozenset({"log_context", "bound_contextvars", "bind_contextvars"})


def used_names(tree: ast.AST) -> set[tuple[str, str]]:
    """Return the schema's constants that a module uses, as module and constant."""
    modules: dict[str, str] = {}
    used: set[tuple[str, str]] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == _SCHEMA:
            modules |= {one.asname or one.name: one.name for one in node.names if one.name in _MODULES}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{_SCHEMA}."):
            used |= {((node.module or "").rpartition(".")[2], one.name) for one in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            used.add((modules[node.value.id], node.attr))
    return used


def own_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Return the telemetry names that a module spells out itself, with their lines."""
    yield from _keys(_kept_for_later(tree))
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        function = _function(call)
        if function in _NAMING:
            named = [word.value for word in call.keywords if word.arg == "name"]
            yield from _literals([*call.args[:1], *named])
        if function in _CARRYING:
            yield from _keys([*call.args, *(word.value for word in call.keywords)])
        if function in _SPELLING:
            yield from ((call.lineno, word.arg) for word in call.keywords if word.arg)
            yield from _keys(word.value for word in call.keywords if word.arg is None)
        yield from _keys(word.value for word in call.keywords if word.arg == "extra")


def _kept_for_later(tree: ast.AST) -> Iterator[ast.expr]:
    """Return the dictionaries put into variables that are passed on as attributes."""
    passed = {
        word.value.id
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for word in call.keywords
        if word.arg in {"extra", "attributes"} and isinstance(word.value, ast.Name)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in passed:
                yield value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if name in passed:
                yield value
            case ast.AugAssign(target=ast.Name(id=name), value=value) if name in passed:
                yield value
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name), slice=key)]) if name in passed:
                yield ast.Dict(keys=[key], values=[key])


def _function(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _keys(values: Iterable[ast.expr]) -> Iterator[tuple[int, str]]:
    """Return the literal keys of dictionaries, also within `a | b`, `a if b else c` and `dict(a=1)`."""
    for value in values:
        match value:
            case ast.Dict(keys=keys, values=nested):
                yield from _literals(key for key in keys if key is not None)
                yield from _keys(one for key, one in zip(keys, nested, strict=True) if key is None)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                yield from _keys((left, right))
            case ast.IfExp(body=body, orelse=other):
                yield from _keys((body, other))
            case ast.Call(func=ast.Name(id="dict"), keywords=keywords):
                yield from ((value.lineno, word.arg) for word in keywords if word.arg)


def _literals(values: Iterable[ast.expr]) -> Iterator[tuple[int, str]]:
    for value in values:
        if any(
            isinstance(text, ast.Constant) and isinstance(text.value, str) and text.value.strip()
            for text in (value.values if isinstance(value, ast.JoinedStr) else [value])
        ):
            yield value.lineno, ast.unparse(value).strip("'\"")
