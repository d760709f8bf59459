"""The protocol draws every random number from its clock and every id from its ports: a seed decides both."""

import ast
from pathlib import Path

import coordination

#: The one place for each.
_PLACES = {"random": ["clock.py"], "uuid": ["ports.py"], "secrets": []}


def imports_of(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    direct = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return direct | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_chance_and_ids_have_one_place_each() -> None:
    folder = Path(coordination.__file__).parent
    found = {
        name: sorted(
            str(path.relative_to(folder)) for path in folder.rglob("*.py") if name in imports_of(path)
        )
        for name in _PLACES
    }
    assert found == _PLACES
