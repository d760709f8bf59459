"""A version that stands in two places is the same in both."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import yaml
from deploy import ROOT
from deploy.install.environment import workspace_packages


def test_the_images_take_the_uv_that_is_pinned() -> None:
    (tag,) = re.findall(
        r"^FROM ghcr.io/astral-sh/uv:(\S+)", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE
    )
    assert f"uv=={tag}" == (ROOT / "requirements/uv.in").read_text().strip()


def test_both_ways_to_run_take_the_same_azurite() -> None:
    image = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["azurite"]["image"]
    package = json.loads((ROOT / "deploy/azurite/package.json").read_text())
    assert image.rpartition(":")[2] == package["dependencies"]["azurite"]


def test_nothing_that_is_locked_names_an_address_to_load_it_from() -> None:
    for locked in (ROOT / "requirements").iterdir():
        assert "://" not in locked.read_text()
    for folder in ("deploy/azurite", "tests/e2e/clients/typescript"):
        assert '"resolved"' not in (ROOT / folder / "package-lock.json").read_text()


def test_no_package_of_ours_has_the_name_of_a_package_of_others() -> None:
    # A name without the prefix may be that of a stranger's package on an index, which pip would install.
    for project in map(_project, workspace_packages()):
        assert project["name"] == "turnstile" or project["name"].startswith("turnstile-")


def test_what_is_locked_is_what_the_packages_ask_for() -> None:
    projects = {project["name"]: project for project in map(_project, workspace_packages())}
    locked = _names((ROOT / "requirements/dev.txt").read_text())
    for project in projects.values():
        assert _asked_for(project) <= locked | set(projects), "Run `make lock`."
    for service in (package.name for package in workspace_packages() if package.parent.name == "services"):
        needed: set[str] = set()
        own = {f"turnstile-{service}"}
        while own - needed:
            needed |= own
            own |= {name for member in needed for name in _asked_for(projects[member]) if name in projects}
        listed = (ROOT / f"requirements/{service}.workspace.txt").read_text().splitlines()[1:]
        assert {_project(ROOT / folder)["name"] for folder in listed} == own, "Run `make lock`."
        asked_for = {name for member in own for name in _asked_for(projects[member])}
        assert asked_for - own <= _names((ROOT / f"requirements/{service}.txt").read_text()), (
            "Run `make lock`."
        )


def _project(folder: Path) -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return project


def _asked_for(project: dict[str, Any]) -> set[str]:
    return _names("\n".join(project["dependencies"]))


def _names(requirements: str) -> set[str]:
    found = re.findall(r"^[A-Za-z0-9][A-Za-z0-9._-]*", requirements, re.MULTILINE)
    return {re.sub(r"[._-]+", "-", name).lower() for name in found}
