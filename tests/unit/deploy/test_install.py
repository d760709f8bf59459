"""Installing the packages needs none of them, and is not misled by what a user has set for other projects."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from deploy import ROOT
from deploy.install import environment, uv

#: Where packages are and how they are reached.
STAYS = {
    "PIP_INDEX_URL": "https://packages.example/simple",
    "PIP_CERT": "/etc/company.pem",
    "UV_DEFAULT_INDEX": "https://packages.example/simple",
    "UV_INDEX_COMPANY_PASSWORD": "secret",
    "UV_CACHE_DIR": "/var/cache/uv",
    "UV_HTTP_TIMEOUT": "90",
    "SSL_CERT_FILE": "/etc/company.pem",
    "https_proxy": "http://proxy:3128",
}
#: How and where a user usually installs.
GOES = {
    "PIP_USER": "1",
    "PIP_TARGET": "/tmp/x",
    "PIP_PREFIX": "/tmp/x",
    "PIP_REQUIRE_VIRTUALENV": "true",
    "PIP_NO_DEPS": "1",
    "UV_REQUIRE_HASHES": "1",
    "UV_NO_BUILD": "1",
    "UV_SYSTEM_PYTHON": "1",
    "UV_WORKING_DIR": "/tmp",
    "UV_PROJECT_ENVIRONMENT": "/tmp/x",
}


def test_packages_are_installed_and_locked_with_the_standard_library_alone():
    command = [sys.executable, "-S", "-c", "import deploy.install.__main__, deploy.install.lock"]
    subprocess.run(command, cwd=ROOT, check=True)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """The commands that are run instead of being carried out, each with its environment."""
    commands: list[tuple[list[str], dict[str, str]]] = []

    def run(command: list[str], *, env: dict[str, str], **_: object) -> None:
        commands.append((command, env))

    monkeypatch.setattr("deploy.install.uv.subprocess.run", run)
    for name, value in (STAYS | GOES).items():
        monkeypatch.setenv(name, value)
    return commands


def test_uv_gets_the_users_indexes_and_none_of_the_users_habits(ran, monkeypatch):
    monkeypatch.setattr(uv, "find", lambda: "uv")
    uv.run("pip", "install", "x")
    ((command, given),) = ran
    assert command == ["uv", "pip", "install", "x"]
    assert given.items() >= STAYS.items()
    assert not GOES.keys() & given.keys()


@pytest.mark.parametrize("has_certificates", [True, False])
def test_uv_trusts_the_machines_certificates_where_there_are_any(
    ran, monkeypatch, tmp_path, has_certificates
):
    if has_certificates:
        (tmp_path / "company.pem").touch()
    paths = SimpleNamespace(cafile=None, capath=str(tmp_path))
    monkeypatch.setattr("ssl.get_default_verify_paths", lambda: paths)
    monkeypatch.setattr(uv, "find", lambda: "uv")
    monkeypatch.delenv("UV_SYSTEM_CERTS", raising=False)
    uv.run("sync")
    assert ran[0][1].get("UV_SYSTEM_CERTS") == ("1" if has_certificates else None)
    monkeypatch.setenv("UV_SYSTEM_CERTS", "0")
    uv.run("sync")
    assert ran[1][1]["UV_SYSTEM_CERTS"] == "0"


def test_pip_gets_the_users_indexes_and_none_of_the_users_habits(ran, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    uv._install()
    ((command, given),) = ran
    assert command[1:4] == ["-m", "pip", "install"]
    assert given.items() >= STAYS.items()
    assert not given.keys() & (GOES.keys() - {"PIP_USER", "PIP_REQUIRE_VIRTUALENV"})
    # These overrule pip.conf as well.
    assert given["PIP_USER"] == given["PIP_REQUIRE_VIRTUALENV"] == "0"


class Checkout:
    """A folder with an environment, whose installation is noted instead of being carried out."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        self.calls: list[str] = []
        monkeypatch.setattr(uv, "run", self._run)
        monkeypatch.setattr(environment, "_is_this_python", lambda: True)
        self.is_at(folder)

    def is_at(self, folder: Path) -> None:
        self._patch.setattr(environment, "ROOT", folder)
        self._patch.setattr(environment, "ENVIRONMENT", folder / ".venv")
        self._patch.setattr(environment, "PYTHON", folder / ".venv/bin/python")
        self._patch.setattr(environment, "_STAMP", folder / ".venv/.installed-from")

    def install(self) -> list[str]:
        """Return what was done: the words of uv that matter."""
        self.calls.clear()
        environment.ensure_installed()
        return self.calls

    def _run(self, *arguments: str) -> None:
        if arguments[0] == "venv":
            assert "--clear" in arguments
            python = Path(arguments[-1], "bin/python")
            python.parent.mkdir(parents=True, exist_ok=True)
            python.touch()
        self.calls.append(arguments[0])


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    return Checkout(tmp_path / "first", monkeypatch)


def test_the_environment_is_made_once(checkout: Checkout) -> None:
    assert checkout.install() == ["venv", "pip", "pip"]
    assert checkout.install() == []


def test_a_moved_or_copied_environment_is_made_anew(
    checkout: Checkout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.install()
    (tmp_path / "first").rename(tmp_path / "second")
    checkout.is_at(tmp_path / "second")
    capsys.readouterr()
    assert checkout.install() == ["venv", "pip", "pip"]
    assert "Installing the Python packages into .venv ..." in capsys.readouterr().out
    assert checkout.install() == []


def test_an_environment_that_does_not_say_its_folder_is_made_anew(checkout: Checkout) -> None:
    checkout.install()
    stamp = environment._STAMP
    stamp.write_text(stamp.read_text().partition("\n")[0])
    assert checkout.install() == ["venv", "pip", "pip"]


def test_a_change_of_the_packages_keeps_the_environment(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.install()
    locked = tmp_path / "locked"
    locked.write_text("other")
    monkeypatch.setattr(environment, "_LOCKED", locked)
    assert checkout.install() == ["pip", "pip"]


def test_a_failure_says_what_to_do(tmp_path: Path) -> None:
    fake = tmp_path / "uv"
    version = (ROOT / "requirements/uv.in").read_text().strip().partition("==")[2]
    fake.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo "uv {version}" && exit\necho "no route" >&2\nexit 2\n'
    )
    fake.chmod(0o755)
    (tmp_path / "python").symlink_to(sys.executable)
    code = (
        "import sys; from pathlib import Path; from deploy.install import __main__, environment;"
        f"environment._STAMP = Path({str(tmp_path / 'none')!r});"
        f"environment.ENVIRONMENT = Path({str(tmp_path / 'venv')!r}); sys.exit(__main__.main())"
    )
    variables = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    first, last = done.stderr.splitlines()
    assert first == "no route"
    assert "https_proxy" in last
    assert "UV_DEFAULT_INDEX" in last
