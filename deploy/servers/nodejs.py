"""Which Node.js runs the storage emulator: one with a SQLite of its own, where there is one."""

import re
import shutil
import subprocess
from functools import cache

from deploy import ROOT
from deploy.processes.asking import printed

#: Where npm installs the Node.js of the package's optional dependencies, the one for this processor.
PACKAGES = ROOT / "deploy/azurite/node_modules"
_OWN = "node"
#: Asked instead of the version: it also shows that a program is made for this machine.
_PROBE = "require('node:sqlite')"
_PROBE_SECONDS = 30
#: The oldest version that runs Azurite.
OLDEST = (16, 0)


def program() -> str:
    """Return the Node.js to start: this machine's own, unless only the installed one has SQLite."""
    if own_has_sqlite():
        return _OWN
    installed = sorted(map(str, PACKAGES.glob("node-linux-*/bin/node")))
    return next(filter(has_sqlite, installed), _OWN)


def own_has_sqlite() -> bool:
    """Return whether the Node.js on the PATH has SQLite; version 22.13 is the first."""
    own = shutil.which(_OWN)
    return own is not None and has_sqlite(own)


@cache
def has_sqlite(path: str) -> bool:
    """Return whether this Node.js runs here and has SQLite."""
    command = [path, "--eval", _PROBE]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PROBE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def version(path: str) -> tuple[int, ...]:
    """Return the version of this Node.js, or nothing when it does not run here."""
    said = printed([path, "--version"], _PROBE_SECONDS)
    return tuple(map(int, re.findall(r"\d+", said or "")[:3]))
