"""Finds uv, the package manager, or installs its pinned version into `.tools`."""

import importlib.util
import os
import re
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

from deploy import ROOT
from deploy.install import system_packages

_PIN = (ROOT / "requirements/uv.in").read_text().strip().partition("==")[2]
#: What of the caller's environment says where packages are and how they are reached. The rest says how and
#: where a caller usually installs, such as PIP_USER=1 or UV_NO_BUILD=1, and would break what is done here.
_KEPT = re.compile(
    r"""(?x)
    (UV|PIP)_(
        (DEFAULT_|EXTRA_)?INDEX(_.*)? | FIND_LINKS | NO_INDEX | KEYRING_PROVIDER | CACHE_DIR | NO_CACHE(_DIR)?
        | (.*_)?TIMEOUT | CONFIG_FILE
    )
    | UV_(
        NO_CONFIG | INSECURE_HOST | NATIVE_TLS | SYSTEM_CERTS | OFFLINE | HTTP_.* | CONCURRENT_.* | LINK_MODE
        | CREDENTIALS_DIR
    )
    | PIP_(
        TRUSTED_HOST | CERT | CLIENT_CERT | PROXY | RETRIES | USE_FEATURE | DISABLE_PIP_VERSION_CHECK
    )
    """
)
_OWN = ROOT / ".tools" / f"uv-{_PIN}"


def find() -> str:
    """Return a uv of the pinned series, whose own back end builds the workspace; install it if missing."""
    for candidate in (shutil.which("uv"), str(_OWN / "bin" / "uv")):
        if candidate is not None and _same_series(_version(candidate)):
            return candidate
    return _install()


def run(*arguments: str, folder: Path = ROOT) -> None:
    """Run uv; raises when it fails, with its messages already printed."""
    environment = {**_trust(), **_environment(), "UV_PYTHON_DOWNLOADS": "never"}
    # Set by a caller's activated environment, it would draw a warning at every call.
    environment.pop("VIRTUAL_ENV", None)
    subprocess.run([find(), *arguments], cwd=folder, env=environment, stdin=subprocess.DEVNULL, check=True)


def _environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("UV_", "PIP_")) or _KEPT.fullmatch(name)
    }


def _trust() -> dict[str, str]:
    """Have uv trust what this machine trusts, such as a company's own authority, instead of a fixed list.

    Where the machine has no certificates, as in small images, uv keeps to its list.
    """
    paths = ssl.get_default_verify_paths()
    has_any = paths.cafile is not None or (paths.capath is not None and any(Path(paths.capath).iterdir()))
    return {"UV_SYSTEM_CERTS": "1"} if has_any else {}


def _version(program: str) -> str:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    found = re.search(r"\d+\.\d+\.\d+", done.stdout) if done.returncode == 0 else None
    return found.group() if found else ""


def _same_series(version: str) -> bool:
    return version.rpartition(".")[0] == _PIN.rpartition(".")[0]


def _install() -> str:
    if importlib.util.find_spec("pip") is None:
        system_packages.install("python3-pip")
    print(f"Installing uv {_PIN} ...", flush=True)
    hashed = str(ROOT / "requirements/uv.txt")
    # An own folder, because distributions forbid pip to touch theirs.
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--root-user-action=ignore"]
    subprocess.run(
        [*command, "--require-hashes", "-r", hashed, "--target", str(_OWN)],
        # The same settings of pip.conf are overruled.
        env={**_environment(), "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"},
        stdin=subprocess.DEVNULL,
        check=True,
    )
    return str(_OWN / "bin" / "uv")
