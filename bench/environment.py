"""The other systems' packages: locked and hashed, in an environment that the product never sees."""

import hashlib
import sys

from deploy import ROOT
from deploy.install import uv

_FOLDER = ROOT / ".tools" / "bench"
#: The interpreter that runs the other systems.
PYTHON = _FOLDER / "bin" / "python"
_LOCKED = ROOT / "requirements/bench.txt"
_STAMP = _FOLDER / ".installed-from"


def ensure_installed() -> None:
    """Bring the environment up to date; quick when nothing changed."""
    wanted = hashlib.sha256(
        f"{sys.version} {sys.base_prefix} {ROOT}".encode() + _LOCKED.read_bytes()
    ).hexdigest()
    if _STAMP.exists() and _STAMP.read_text() == wanted:
        return
    print("Installing the systems to compare with ...", flush=True)
    uv.run("venv", "--quiet", "--clear", "--python", sys.executable, str(_FOLDER))
    how = ("--quiet", "--python", str(PYTHON), "--require-hashes", "--compile-bytecode")
    uv.run("pip", "install", *how, "-r", str(_LOCKED))
    _STAMP.write_text(wanted)
