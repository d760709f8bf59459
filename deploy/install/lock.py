"""Renews requirements/: what every environment installs, with versions and hashes and without addresses.

Versions that are locked already stay, unless --upgrade is given. The lock is made in a copy of the
workspace's project files, because uv reads from a project file which versions to keep.
"""

import argparse
import re
import subprocess
import tempfile
import tomllib
from pathlib import Path

from deploy import ROOT
from deploy.install import uv
from deploy.install.environment import workspace_packages

_FOLDER = ROOT / "requirements"
_HEADER = "# Made by `make lock`; do not edit.\n"
_EXPORT = ("export", "--quiet", "--frozen", "--no-header", "--no-editable")


def main() -> None:
    """Lock the workspace and write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    upgrade = parser.parse_args().upgrade
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        _copy_project_files(copy)
        if not upgrade:
            _keep_versions(copy)
        uv.run("lock", "--quiet", folder=copy)
        _write(copy, "dev.txt", "--all-packages", "--all-groups", "--no-emit-workspace")
        for package in _deployed():
            _write(
                copy, f"{package}.txt", "--package", f"turnstile-{package}", "--no-dev", "--no-emit-workspace"
            )
            _write_workspace_part(copy, package)
    for name in ("uv", "docs", "bench", "clients", "clients-java"):
        _compile(name, upgrade=upgrade)


def _deployed() -> list[str]:
    return [package.name for package in workspace_packages() if package.parent.name == "services"]


def _copy_project_files(copy: Path) -> None:
    for source in (ROOT, *workspace_packages()):
        target = copy / source.relative_to(ROOT)
        target.mkdir(parents=True, exist_ok=True)
        (target / "pyproject.toml").write_text((source / "pyproject.toml").read_text())


def _keep_versions(copy: Path) -> None:
    locked = _FOLDER / "dev.txt"
    if not locked.exists():
        return
    pinned = re.findall(r"^([A-Za-z0-9][^\\\n]*?==[^\\\n]*?)\s*\\?$", locked.read_text(), re.MULTILINE)
    project = copy / "pyproject.toml"
    text = project.read_text()
    if "constraint-dependencies" in tomllib.loads(text)["tool"]["uv"]:
        message = "pyproject.toml has constraint-dependencies of its own, which `make lock` cannot add to"
        raise SystemExit(message)
    lines = "".join(f'  "{pin}",\n' for pin in pinned)
    project.write_text(text.replace("[tool.uv]\n", f"[tool.uv]\nconstraint-dependencies = [\n{lines}]\n", 1))


def _write(copy: Path, name: str, *which: str) -> None:
    target = _FOLDER / name
    uv.run(*_EXPORT, *which, "-o", str(target), folder=copy)
    _put_header(target)


def _write_workspace_part(copy: Path, package: str) -> None:
    """Write which of this repository's own packages the service consists of."""
    target = _FOLDER / f"{package}.workspace.txt"
    which = ("--package", f"turnstile-{package}", "--no-dev", "--no-hashes", "--no-annotate")
    uv.run(*_EXPORT, *which, "-o", str(target), folder=copy)
    own = [line for line in target.read_text().splitlines() if line.startswith("./")]
    target.write_text(_HEADER + "\n".join(own) + "\n")


def _compile(name: str, *, upgrade: bool) -> None:
    """Lock what no package of the workspace asks for; versions in the file stay unless `upgrade` is true."""
    how = (
        "--quiet",
        "--universal",
        "--python-version",
        "3.11",
        "--generate-hashes",
        "--no-header",
        "--no-annotate",
    )
    target = f"requirements/{name}.txt"
    newest = ("--upgrade",) if upgrade else ()
    uv.run("pip", "compile", *how, *newest, f"requirements/{name}.in", "-o", target)
    _put_header(ROOT / target)


def _put_header(target: Path) -> None:
    target.write_text(_HEADER + target.read_text())


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        raise SystemExit(error.returncode) from None
