"""Every package of this repository declares those that it imports: an image has nothing else."""

import ast
import re
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from deploy.install.environment import workspace_packages

PACKAGES = {
    path: tomllib.loads((path / "pyproject.toml").read_text())["project"] for path in workspace_packages()
}

#: The name of a package by that of its module.
NAMES = {
    module.name: project["name"] for path, project in PACKAGES.items() for module in (path / "src").iterdir()
}


def imported(path: Path) -> Iterator[str]:
    for file in sorted((path / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]
            elif isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: path.name)
def test_a_package_declares_what_it_imports_of_this_repository(path: Path) -> None:
    project = PACKAGES[path]
    optional = chain.from_iterable(project.get("optional-dependencies", {}).values())
    declared = {re.split(r"[\[>=]", text)[0] for text in (*project.get("dependencies", ()), *optional)}
    wanted = {NAMES[name] for name in imported(path) if name in NAMES} - {project["name"]}

    assert wanted <= declared
