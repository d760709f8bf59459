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

import psutil

LOOPBACK = "127.0.0.1"
# Below the ports that Linux uses for outgoing connections, which may be taken at any time.
_RANGE = range(20_000, 32_000)


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
    """Ports that no other process which reserves ports on this machine gets until they are released."""

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
    """Wait until no process listens on the port, for `timeout` seconds; return whether it is free."""
    deadline = time.monotonic() + timeout
    while not is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def taken(port: int, needed_by: str, setting: str) -> str:
    """Return a sentence: which process has the port, and which setting moves the program that needs it."""
    by = owner(port) or "a process of another user"
    remedy = f"Set {setting} to another port, in .env or for this command."
    return f"Port {port}, which {needed_by} needs, is taken by {by}. {remedy}"


def owner(port: int) -> str | None:
    """Return the name and number of the process that listens on the port, if this user may know."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and port in connection.laddr and connection.pid:
                return f"{psutil.Process(connection.pid).name()}, process {connection.pid}"
    return None


def _lock_folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"turnstile-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    return folder
