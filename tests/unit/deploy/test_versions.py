"""Servers that are too old are refused before anything is installed, with what to do."""

from pathlib import Path

import pytest
from deploy.errors import InstallError
from deploy.servers import broker, installation, nodejs
from deploy.servers.broker import numbers


class Machine:
    """A machine that has the programs that a test puts there; each notes its name when it is called."""

    def __init__(self, folder: Path) -> None:
        self.programs = folder / "programs"
        self.rabbitmq = folder / "rabbitmq"
        self.packages = folder / "packages"
        self._calls = folder / "calls"
        for made in (self.programs, self.rabbitmq / "bin", self.packages / "node_modules"):
            made.mkdir(parents=True)
        self._calls.touch()
        (self.packages / "package-lock.json").write_text("{}")
        for name in ("epmd", "npm", "apt-get"):
            self.has(name, "exit 0")
        self.has_node("20.19.2")

    def has(self, name: str, script: str) -> None:
        """Have this program on the PATH."""
        path = self.programs / name
        path.write_text(f"#!/bin/sh\necho {name} >>{self._calls}\n{script}\n")
        path.chmod(0o755)

    def has_node(self, version: str) -> None:
        """Have this Node.js on the PATH, which has no SQLite."""
        self.has("node", f'[ "$1" = --version ] && echo v{version}')
        nodejs.has_sqlite.cache_clear()

    def has_package(self, version: str) -> None:
        """Have RabbitMQ from the distribution's package."""
        (self.rabbitmq / "bin/rabbitmq-server").touch()
        (self.rabbitmq / "lib" / f"rabbitmq_server-{version}").mkdir(parents=True)

    def has_other_rabbitmq(self, version: str) -> None:
        """Have RabbitMQ from elsewhere, on the PATH."""
        self.has("rabbitmq-server", "exit 0")
        self.has("rabbitmqctl", f'[ "$1" = version ] && echo {version}')

    def offers_rabbitmq(self, version: str) -> None:
        """Have an apt that would install this one."""
        self.has("apt-cache", f'echo "  Candidate: {version}"')

    @property
    def calls(self) -> list[str]:
        """What was called."""
        return self._calls.read_text().split()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setenv("PATH", str(made.programs))
    monkeypatch.setattr(broker, "SCRIPTS", made.rabbitmq / "bin")
    monkeypatch.setattr(nodejs, "PACKAGES", made.packages / "node_modules")
    monkeypatch.setattr(installation, "PACKAGE_FOLDER", made.packages)
    monkeypatch.setattr(installation, "_STAMP", made.packages / "node_modules/.installed-from")
    return made


OLD_RABBITMQ = (
    "Turnstile needs RabbitMQ 3.10 or newer, and {} 3.9. Please install a newer one, or .* RUNTIME=docker"
)


def test_an_old_package_is_refused(machine: Machine) -> None:
    machine.has_package("3.9.27")
    with pytest.raises(InstallError, match=OLD_RABBITMQ.format("this machine has")):
        installation.ensure_installed()
    assert machine.calls == []


def test_an_old_rabbitmq_from_elsewhere_is_refused(machine: Machine) -> None:
    machine.has_other_rabbitmq("3.9.13")
    with pytest.raises(InstallError, match=OLD_RABBITMQ.format("this machine has")):
        installation.ensure_installed()
    assert machine.calls == ["rabbitmqctl"]


def test_an_old_rabbitmq_is_not_installed(machine: Machine) -> None:
    machine.offers_rabbitmq("3.9.27-0ubuntu0.2")
    with pytest.raises(InstallError, match=OLD_RABBITMQ.format("apt would install")):
        installation.ensure_installed()
    assert machine.calls == ["apt-cache"]


@pytest.mark.parametrize("version", ["3.10.8", "3.12.1", "4.0.5", "4.3.6"])
def test_a_newer_rabbitmq_is_taken(machine: Machine, version: str) -> None:
    machine.has_package(version)
    installation.ensure_installed()
    assert "npm" in machine.calls


@pytest.mark.parametrize("answer", ["", "Error: unable to perform an operation"])
def test_a_rabbitmq_that_does_not_say_its_version_is_taken(machine: Machine, answer: str) -> None:
    machine.has_other_rabbitmq(f'"{answer}"')
    installation.ensure_installed()
    assert "npm" in machine.calls


def test_an_old_nodejs_is_refused_where_npm_has_no_newer_one(machine: Machine) -> None:
    machine.has_package("3.10.8")
    machine.has_node("12.22.12")
    with pytest.raises(
        InstallError, match=r"Azurite needs Node\.js 16\.0 or newer, and this machine has 12\.22\.12"
    ):
        installation.ensure_installed()


def test_an_old_nodejs_is_named_where_its_npm_fails(machine: Machine) -> None:
    machine.has_package("3.10.8")
    machine.has_node("12.22.12")
    machine.has("npm", "exit 1")
    with pytest.raises(InstallError, match=r"this machine has 12\.22\.12"):
        installation.ensure_installed()
    machine.has_node("20.19.2")
    with pytest.raises(InstallError, match="npm could not install Azurite"):
        installation.ensure_installed()


@pytest.mark.parametrize("version", ["16.20.2", "18.20.4", "20.19.2"])
def test_a_newer_nodejs_is_taken(machine: Machine, version: str) -> None:
    machine.has_package("3.10.8")
    machine.has_node(version)
    installation.ensure_installed()


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("rabbitmq_server-3.10.8", (3, 10)),
        ("4.3.6", (4, 3)),
        ("3.9.27-0ubuntu0.2", (3, 9)),
        ("", ()),
        ("x", ()),
    ],
)
def test_versions_are_compared_by_their_first_two_numbers(text: str, version: tuple[int, ...]) -> None:
    assert numbers(text) == version
