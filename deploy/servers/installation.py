"""Makes RabbitMQ (apt) and Azurite (npm) available to the stack, more servers and Chromium (apt) to tests."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deploy.errors import InstallError
from deploy.install import system_packages
from deploy.servers import broker, nodejs
from deploy.servers.storage import PACKAGE_FOLDER

_STAMP = PACKAGE_FOLDER / "node_modules" / ".installed-from"
_OTHERWISE = ", or start Docker and use RUNTIME=docker"
_POSTGRESQL = Path("/usr/lib/postgresql")
#: The names under which distributions and vendors install a Chromium.
_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: Names another Chromium than those.
CHROMIUM = "TEST_CHROMIUM"
_OR_NAME_IT = f", or set {CHROMIUM} to the path of another Chromium"


def ensure_installed() -> None:
    """Make both servers available; quick when they are. Raises InstallError with what to do instead."""
    with _one_at_a_time():
        # Before anything is installed: apt of an old distribution offers versions that cannot work.
        _refuse_an_old_rabbitmq()
        if not (broker.is_installed() and shutil.which("epmd")):
            system_packages.install("rabbitmq-server", otherwise=_OTHERWISE)
            _refuse_an_old_rabbitmq()
        missing = [
            package for package, program in (("nodejs", "node"), ("npm", "npm")) if not shutil.which(program)
        ]
        if missing:
            system_packages.install(*missing, otherwise=_OTHERWISE)
        _ensure_azurite()
        _refuse_an_old_nodejs()


def _refuse_an_old_rabbitmq() -> None:
    if broker.is_installed():
        version, whose = broker.installed_version(), "this machine has"
    else:
        version, whose = broker.numbers(system_packages.candidate("rabbitmq-server")), "apt would install"
    if version and version < broker.OLDEST:
        raise InstallError(_too_old("Turnstile", "RabbitMQ", broker.OLDEST, f"{whose} {_dotted(version)}"))


def _refuse_an_old_nodejs() -> None:
    version = nodejs.version(nodejs.program()) if not nodejs.own_has_sqlite() else nodejs.OLDEST
    if version and version < nodejs.OLDEST:
        raise InstallError(
            _too_old("Azurite", "Node.js", nodejs.OLDEST, f"this machine has {_dotted(version)}")
        )


def _too_old(user: str, program: str, oldest: tuple[int, ...], found: str) -> str:
    needs = f"{user} needs {program} {_dotted(oldest)} or newer, and {found}."
    return f"{needs} Please install a newer one{_OTHERWISE}."


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _ensure_azurite() -> None:
    packages = hashlib.sha256((PACKAGE_FOLDER / "package-lock.json").read_bytes()).hexdigest()
    with_nodejs = f"{packages} with Node.js"
    needs_nodejs = not nodejs.own_has_sqlite()
    wanted = with_nodejs if needs_nodejs else packages
    if _STAMP.exists() and _STAMP.read_text() in {wanted, with_nodejs}:
        return
    print(f"Installing Azurite{' and a newer Node.js for it' if needs_nodejs else ''} ...", flush=True)
    command = ["npm", "ci", "--omit=dev", "--ignore-scripts"]
    command += ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    # The optional packages are Node.js and nothing else; npm takes the one for this processor, or none.
    command += [] if needs_nodejs else ["--omit=optional"]
    # A user's settings for packages that are for all folders would be refused.
    command += ["--global=false"]
    done = subprocess.run(command, cwd=PACKAGE_FOLDER, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        _refuse_an_old_nodejs()
        message = f"npm could not install Azurite; its messages are above{_OTHERWISE}."
        raise InstallError(message)
    _STAMP.write_text(wanted)


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (Path(tempfile.gettempdir()) / f"turnstile-install-{os.getuid()}").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ensure_prometheus() -> None:
    """Make Prometheus and promtool available, which only tests insist on. Raises InstallError."""
    with _one_at_a_time():
        if not (shutil.which("prometheus") and shutil.which("promtool")):
            system_packages.install("prometheus")


def ensure_postgresql() -> None:
    """Make PostgreSQL available, which only another system needs, for comparison. Raises InstallError."""
    with _one_at_a_time():
        if not (postgresql_programs() and shutil.which("psql")):
            system_packages.install("postgresql")


def ensure_redis() -> None:
    """Make Redis available, which only another system needs, for comparison. Raises InstallError."""
    with _one_at_a_time():
        if not (shutil.which("redis-server") and shutil.which("redis-cli")):
            system_packages.install("redis-server")


def postgresql_programs() -> Path | None:
    """Return the folder with the newest PostgreSQL's programs; only some of them are on the PATH."""
    found = [path.parent for path in _POSTGRESQL.glob("*/bin/initdb")]
    return max(found, key=lambda folder: int(folder.parent.name.partition(".")[0]), default=None)


def ensure_faketime() -> None:
    """Make libfaketime available, by which the chaos moves a service's clock. Raises InstallError."""
    with _one_at_a_time():
        if not shutil.which("faketime"):
            system_packages.install("faketime")


def ensure_spin() -> None:
    """Make the model checker Spin, and the compiler it needs, available. Raises InstallError."""
    with _one_at_a_time():
        missing = [package for package in ("spin", "gcc") if not shutil.which(package)]
        if missing:
            system_packages.install(*missing, "libc6-dev")


def ensure_chromium() -> str:
    """Make a Chromium available to the tests of pages, and return its path. Raises InstallError."""
    if named := os.environ.get(CHROMIUM):
        if found := shutil.which(named):
            return found
        message = f"{CHROMIUM} names {named}, which is not a program; correct or unset it."
        raise InstallError(message)
    with _one_at_a_time():
        if not (found := _chromium()):
            system_packages.install("chromium", "fonts-liberation", otherwise=_OR_NAME_IT)
            found = _chromium()
    if not found:
        message = f"The package chromium is installed, but has no program on the PATH{_OR_NAME_IT}."
        raise InstallError(message)
    return found


def _chromium() -> str | None:
    return next(filter(None, map(shutil.which, _CHROMIUMS)), None)
