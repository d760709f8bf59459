"""Makes the virtual environment: the locked packages, checked by hash, and the workspace's own, editable."""

import hashlib
import subprocess
import sys
from pathlib import Path

from deploy import ROOT
from deploy.install import uv

ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
_LOCKED = ROOT / "requirements/dev.txt"
_STAMP = ENVIRONMENT / ".installed-from"


def ensure_installed() -> None:
    """Bring the environment up to date; quick when nothing changed."""
    wanted = _fingerprint()
    found = _STAMP.read_text() if PYTHON.exists() and _STAMP.exists() else ""
    if found == wanted:
        return
    print("Installing the Python packages into .venv ...", flush=True)
    # A moved or copied environment still names the folder that it was made in, and runs the code there.
    if not (found.endswith(f"\n{ROOT}") and _is_this_python()):
        uv.run("venv", "--quiet", "--clear", "--python", sys.executable, str(ENVIRONMENT))
    python = ("--python", str(PYTHON))
    uv.run("pip", "install", "--quiet", *python, "--require-hashes", "--compile-bytecode", "-r", str(_LOCKED))
    editable = [word for package in workspace_packages() for word in ("-e", str(package))]
    uv.run("pip", "install", "--quiet", *python, "--no-deps", *editable)
    _STAMP.write_text(wanted)


def workspace_packages() -> list[Path]:
    """Return the folders of the packages that live in this repository."""
    return sorted(
        path.parent for kind in ("libs", "services") for path in ROOT.glob(f"{kind}/*/pyproject.toml")
    )


def _is_this_python() -> bool:
    """Return whether the environment was made with the interpreter that runs now."""
    if not PYTHON.exists():
        return False
    question = "import sys; print(sys.version, sys.base_prefix)"
    answer = subprocess.run([PYTHON, "-c", question], capture_output=True, text=True, check=False).stdout
    return answer.strip() == f"{sys.version} {sys.base_prefix}"


def _fingerprint() -> str:
    digest = hashlib.sha256(f"{sys.version} {sys.base_prefix}".encode())
    for path in (_LOCKED, *(package / "pyproject.toml" for package in workspace_packages())):
        digest.update(path.read_bytes())
    return f"{digest.hexdigest()}\n{ROOT}"
