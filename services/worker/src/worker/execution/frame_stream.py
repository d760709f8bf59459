"""A stream of frames over a socket pair: four bytes of length, then that many bytes."""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

_LENGTH = struct.Struct(">I")
_CHUNK = 256 * 1024


class FrameStream:
    """Sends and receives frames on an event loop; no call ever waits.

    `received` is called with each frame. `broken` is called once, with the reason, when the other side has
    closed the stream or a frame is longer than `limit` bytes; nothing is received after that.
    """

    def __init__(
        self,
        sock: socket.socket,
        received: Callable[[bytes], None],
        broken: Callable[[str], None],
        limit: int = 0xFFFF_FFFF,
    ) -> None:
        self._socket = sock
        self._received = received
        self._broken = broken
        self._limit = limit
        self._incoming = bytearray()
        self._outgoing = bytearray()
        self._loop = asyncio.get_running_loop()
        sock.setblocking(False)
        self._loop.add_reader(sock, self._read)

    def send(self, frame: bytes) -> None:
        """Send a frame; what cannot be sent now is sent when there is room. No-op without the other side."""
        waiting = bool(self._outgoing)
        self._outgoing += _LENGTH.pack(len(frame)) + frame
        if not waiting:
            self._write()

    def drain(self) -> None:
        """Receive everything that has arrived already."""
        while self._read():
            pass

    def send_last(self, frame: bytes) -> None:
        """Send a frame and wait until it is gone, then close; for a process about to end."""
        self._loop.remove_writer(self._socket)
        self._socket.setblocking(True)
        self._socket.sendall(self._outgoing + _LENGTH.pack(len(frame)) + frame)
        self._socket.close()

    def finish(self) -> None:
        """Send nothing more, which the other side learns; what it sends is still received."""
        if self._socket.fileno() >= 0:
            with suppress(OSError):  # it is gone
                self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Stop receiving and sending; harmless when repeated."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()

    def _read(self) -> bool:
        """Receive once, and return whether there may be more."""
        if self._socket.fileno() < 0:
            return False
        try:
            data = self._socket.recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            return False
        except ConnectionResetError:
            # It ended without having read everything.
            self._fail("closed")
            return False
        except OSError as error:
            self._fail(str(error))
            return False
        if not data:
            self._fail("closed")
            return False
        self._incoming += data
        self._unpack()
        return True

    def _unpack(self) -> None:
        position, available = 0, len(self._incoming)
        frames = []
        while available - position >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._incoming, position)
            if length > self._limit:
                self._fail(f"a frame of {length:,} bytes")
                return
            if available - position - _LENGTH.size < length:
                break
            start = position + _LENGTH.size
            frames.append(bytes(self._incoming[start : start + length]))
            position = start + length
        del self._incoming[:position]
        for frame in frames:
            if self._socket.fileno() >= 0:
                self._received(frame)

    def _write(self) -> None:
        if self._socket.fileno() < 0:
            return
        try:
            sent = self._socket.send(self._outgoing)
            del self._outgoing[:sent]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self._outgoing.clear()  # the other side is gone, which the reader finds out
        if self._outgoing:
            self._loop.add_writer(self._socket, self._write)
        else:
            self._loop.remove_writer(self._socket)

    def _fail(self, reason: str) -> None:
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._broken(reason)
