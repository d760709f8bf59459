"""TCP ports of the loopback interface: finding free ones, waiting for one, naming who has one."""

import contextlib
import fcntl
import os
import random
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

LOOPBACK = "127.0.0.1"
# Below the ports that Linux gives to outgoing connections, which come and go unasked.
_RANGE = range(20_000, 32_000)
_LISTENING = "0A"


def is_free(port: int) -> bool:
    """Return whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def answers(port: int, *, timeout: float = 1.0) -> bool:
    """Return whether something accepts connections on the port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=timeout):
            return True
    except OSError:
        return False


class Reservation:
    """Ports that nobody else who reserves ports on this machine gets until they are released."""

    def __init__(self, count: int) -> None:
        self._locks: list[TextIO] = []
        self.ports: list[int] = []
        while len(self.ports) < count:
            self._try(random.choice(_RANGE))

    def release(self) -> None:
        """Let others have the ports."""
        for lock in self._locks:
            lock.close()
        self._locks.clear()

    def _try(self, port: int) -> None:
        lock = (_lock_folder() / str(port)).open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            return
        if is_free(port):
            self._locks.append(lock)
            self.ports.append(port)
        else:
            lock.close()


@contextlib.contextmanager
def reserved(count: int) -> Iterator[list[int]]:
    """Reserve free ports for as long as the context lasts."""
    reservation = Reservation(count)
    try:
        yield reservation.ports
    finally:
        reservation.release()


def wait_until_free(port: int, *, timeout: float) -> bool:
    """Wait until nobody listens on the port; say whether that came true."""
    deadline = time.monotonic() + timeout
    while not is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def taken(port: int, needed_by: str, setting: str) -> str:
    """Say that a port is taken, by whom if that can be known, and how to move whoever needs it."""
    by = owner(port) or "somebody else"
    remedy = f"Set {setting} to another port, in .env or for this command."
    return f"Port {port}, which {needed_by} needs, is taken by {by}. {remedy}"


def owner(port: int) -> str | None:
    """Name the process that listens on the port, if this user may know."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    if not sockets:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(link.readlink()) in sockets for link in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()}, process {process.name}"
    return None


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        with contextlib.suppress(OSError):
            for line in table.read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.add(fields[9])
    return inodes


def _lock_folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"turnstile-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    return folder
