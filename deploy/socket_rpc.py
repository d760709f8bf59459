"""XML-RPC over a socket file, which only the user who made it can open."""

import http.client
import socket
import xmlrpc.client
from pathlib import Path
from typing import Any


def connect(path: Path) -> xmlrpc.client.ServerProxy:
    """Return what calls the procedures of the server behind the socket file."""
    return xmlrpc.client.ServerProxy("http://localhost", transport=_UnixTransport(path))


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _UnixConnection("localhost" if not isinstance(host, str) else host, self._path)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, host: str, path: Path) -> None:
        super().__init__(host)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(self._path))
