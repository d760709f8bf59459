"""Files of this checkout that containers read, as users of their own: all must be readable by everyone."""

import stat
from collections.abc import Iterable
from pathlib import Path

from deploy.errors import StackError

#: What compose.yaml mounts, and what the images are built from.
SHARED = (
    "deploy/azurite/local_storage",
    "deploy/rabbitmq",
    "grafana",
    "libs",
    "loadtest/effect_sink",
    "requirements",
    "services",
)


def refuse_unreadable(root: Path) -> None:
    """Raise StackError where a strict umask made files that only their owner can read."""
    for path in _paths(root):
        mode = stat.S_IMODE(path.stat().st_mode)
        if not _everyone_can_read(path):
            problem = f"{path} has the mode {mode:04o}, and containers read it as other users."
            command = f"chmod -R a+rX {' '.join(SHARED)}"
            remedy = f"Run `{command}` in {root}; `umask 022` keeps new files readable."
            raise StackError(f"{problem} {remedy}")


def make_inputs(folder: Path, *, own: bool) -> None:
    """Make the folder that jobs read in their containers; raise StackError where they could not.

    The stack's own folder is made readable, whatever the umask says; a user's own is left as it is.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if own and not _everyone_can_read(folder):
            folder.chmod(0o755)
    except OSError as error:
        message = f"The folder {folder} for the input of jobs cannot be made: {error.strerror}."
        raise StackError(message) from None
    if not _everyone_can_read(folder):
        mode = stat.S_IMODE(folder.stat().st_mode)
        problem = f"TURNSTILE_INPUT_FOLDER names {folder}, which has the mode {mode:04o}."
        raise StackError(f"{problem} Jobs read it as another user: run `chmod a+rX {folder}`.")


def _paths(root: Path) -> Iterable[Path]:
    for name in SHARED:
        yield root / name
        for path in (root / name).rglob("*"):
            if not path.is_symlink() and "__pycache__" not in path.parts:
                yield path


def _everyone_can_read(path: Path) -> bool:
    mode = path.stat().st_mode
    wanted = stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(mode) else 0)
    return mode & wanted == wanted
