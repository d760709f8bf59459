"""Makes the changes: every operator at every place of a module, one at a time."""

import ast
import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import parso
from tests.mutants.mutant import source_path
from tests.mutation.operators import is_left_out, operators


@dataclass(frozen=True)
class Changed:
    """One change of one module.

    `key` stays the same as long as the function that is changed does, wherever in the module it stands.
    """

    key: str
    module: str
    #: Qualified name of the function; empty where nothing but the import of the module runs it.
    function: str
    #: First and last line of the statement that is changed.
    lines: tuple[int, int]
    operator: str
    #: The lines that are changed, before and after, without their indentation.
    before: str
    after: str
    text: str


def changes(module: str) -> list[Changed]:
    """Return every change of a module that can be compiled and means something else."""
    return changes_of(source_path(module).read_text(), module)


def changes_of(text: str, module: str) -> list[Changed]:
    """Return the changes of a module's text."""
    original = ast.dump(ast.parse(text))
    tree = parso.parse(text)
    seen: set[str] = set()
    found: list[Changed] = []
    counts: dict[str, int] = {}
    for name, operator in operators().items():
        for node in _nodes(tree):
            if is_left_out(node):
                continue
            for index, position in enumerate(list(operator.mutation_positions(node))):
                changed = _changed(tree, node, operator, index)
                if changed in seen or not _means_something_else(changed, original):
                    continue
                seen.add(changed)
                function, body = _function_of(node)
                place = f"{module}:{function}:{hashlib.sha256(body.encode()).hexdigest()[:16]}:{name}"
                counts[place] = number = counts.get(place, 0) + 1
                before, after = _difference(text, changed)
                found.append(
                    Changed(
                        key=f"{place}:{number}",
                        module=module,
                        function=function,
                        lines=_statement_of(node, position),
                        operator=name,
                        before=before,
                        after=after,
                        text=changed,
                    )
                )
    return sorted(found, key=lambda change: (change.lines, change.operator, change.after))


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in list(getattr(node, "children", ())):
        yield from _nodes(child)


def _changed(tree: Any, node: Any, operator: Any, index: int) -> str:
    """Return the module's text with one change, and undo it in the tree."""
    parent = node.parent
    number = None if parent is None else next(n for n, c in enumerate(parent.children) if c is node)
    children = list(node.children) if hasattr(node, "children") else None
    leaves = [(leaf, leaf.value, leaf.prefix) for leaf in _leaves(node)]
    new = operator.mutate(node, index)
    if parent is not None and number is not None and new is not node:
        parent.children[number] = new
    text = str(tree.get_code())
    if parent is not None and number is not None:
        parent.children[number] = node
    if children is not None:
        node.children = children
    for leaf, value, prefix in leaves:
        leaf.value, leaf.prefix = value, prefix
    return text


def _leaves(node: Any) -> Iterator[Any]:
    return (leaf for leaf in _nodes(node) if not hasattr(leaf, "children"))


def _means_something_else(text: str, original: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "changed", "exec")
            return ast.dump(ast.parse(text)) != original
    except SyntaxError:
        return False


def _function_of(node: Any) -> tuple[str, str]:
    """Return the qualified name and text of the outermost function, or of the class or module without one."""
    names: list[str] = []
    outermost = None
    child, parent = node, node.parent
    while parent is not None:
        if parent.type == "funcdef" and child is parent.children[-1]:
            outermost, names = parent, [parent.name.value]
        elif parent.type == "funcdef" and outermost is None:
            names = []
        elif parent.type == "classdef" and outermost is not None:
            names.insert(0, parent.name.value)
        child, parent = parent, parent.parent
    if outermost is None:
        statement = node
        while statement.parent is not None and statement.parent.type not in {"file_input", "suite"}:
            statement = statement.parent
        return "", str(statement.get_code(include_prefix=False))
    return ".".join(names), str(outermost.get_code(include_prefix=False))


def _statement_of(node: Any, position: Any) -> tuple[int, int]:
    """Return the lines of the statement, or of the head of the compound statement, that holds a position."""
    statement = node
    while statement.parent is not None and statement.type != "simple_stmt":
        if statement.parent.type in {"suite", "file_input"}:
            break
        statement = statement.parent
    first, last = position[0][0], position[1][0]
    if statement.type == "simple_stmt":
        return statement.start_pos[0], statement.children[0].end_pos[0]
    return first, last


def _difference(before: str, after: str) -> tuple[str, str]:
    old, new = before.splitlines(), after.splitlines()
    start = next(
        (n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new))
    )
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return tuple(  # type: ignore[return-value]
        " ".join(line.strip() for line in lines[start : len(lines) - end]) for lines in (old, new)
    )
