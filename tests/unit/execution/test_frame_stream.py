"""Frames over a socket pair."""

import asyncio
import errno
import socket
import struct

import pytest
from pydantic import ValidationError
from tests.unit.execution.runner_case import START

from worker.execution import frame_stream as wire_module
from worker.execution import messages
from worker.execution.frame_stream import FrameStream


class End:
    def __init__(self, sock, limit):
        self.frames = []
        self.reasons = []
        self.changed = asyncio.Event()
        self.wire = FrameStream(sock, self._keep(self.frames), self._keep(self.reasons), limit)

    def _keep(self, place):
        def keep(thing):
            place.append(thing)
            self.changed.set()

        return keep

    async def until(self, condition):
        async with asyncio.timeout(5):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
async def ends():
    left, right = socket.socketpair()
    pair = End(left, 1000), End(right, 50_000_000)
    yield pair
    for end in pair:
        end.wire.close()


async def test_frames_of_any_size_arrive_whole_and_in_order(ends):
    left, right = ends
    frames = [b"a", b"", b"b" * 5_000_000, b"c"]
    for frame in frames:
        left.wire.send(frame)
    await right.until(lambda: len(right.frames) == 4)
    assert right.frames == frames


async def test_a_frame_that_arrives_in_pieces_is_put_together():
    left, right = socket.socketpair()
    end = End(left, 1000)
    for byte in struct.pack(">I", 3) + b"abc" + struct.pack(">I", 1):
        right.send(bytes([byte]))
        await asyncio.sleep(0)
    right.send(b"d")
    await end.until(lambda: len(end.frames) == 2)
    assert end.frames == [b"abc", b"d"]
    end.wire.close()
    right.close()


async def test_a_frame_beyond_the_limit_breaks_the_wire_once(ends):
    left, right = ends
    right.wire.send(b"x" * 1000)
    await left.until(lambda: left.frames)
    right.wire.send(b"x" * 1001)
    right.wire.send(b"x")
    await left.until(lambda: left.reasons)
    await asyncio.sleep(0)
    assert left.reasons == ["a frame of 1,001 bytes"]
    assert left.frames == [b"x" * 1000]
    assert left.wire._loop.remove_reader(left.wire._socket) is False


async def test_what_has_arrived_is_received_at_once_when_it_is_drained(ends):
    left, right = ends
    left.wire.send(b"a")
    left.wire.send(b"b" * 600_000)
    right.wire.drain()
    assert right.frames[:1] == [b"a"]
    left.wire._write()
    right.wire.drain()
    await right.until(lambda: len(right.frames) == 2)
    assert right.reasons == []


async def test_what_closes_the_wire_is_the_last_that_is_received():
    ours, theirs = socket.socketpair()
    frames = []

    def received(frame):
        frames.append(frame)
        wire.close()

    wire = FrameStream(ours, received, frames.append)
    theirs.sendall(struct.pack(">I", 1) + b"a" + struct.pack(">I", 1) + b"b")
    wire.drain()
    assert frames == [b"a"]
    wire.close()
    theirs.close()


async def test_the_last_frame_is_sent_behind_all_others_and_closes_the_wire():
    ours, theirs = socket.socketpair()
    wire = FrameStream(ours, received=lambda frame: None, broken=lambda reason: None)
    wire.send(b"b" * 5_000_000)
    # As in a process that ends: `send_last` blocks the loop, and the other side receives in a thread.
    receiving = asyncio.get_running_loop().run_in_executor(None, _everything_from, theirs)
    wire.send_last(b"last")
    received = await receiving
    assert received == struct.pack(">I", 5_000_000) + b"b" * 5_000_000 + struct.pack(">I", 4) + b"last"


def _everything_from(sock):
    """Return all that arrives until the other side closes."""
    with sock, sock.makefile("rb") as stream:
        return stream.read()


async def test_sending_to_an_end_that_is_gone_is_silent(ends):
    left, right = ends
    right.wire.close()
    for _ in range(3):
        left.wire.send(b"x" * 1_000_000)
    await left.until(lambda: left.reasons)
    assert left.reasons == ["closed"]
    assert not left.wire._outgoing
    left.wire.close()
    left.wire.send(b"x")
    left.wire.drain()
    assert left.reasons == ["closed"]


async def test_the_other_sides_end_is_told_and_sending_then_is_harmless(ends):
    left, right = ends
    left.wire.close()
    await right.until(lambda: right.reasons)
    right.wire.send(b"x")
    assert right.reasons == ["closed"]


async def test_an_end_that_has_not_read_everything_is_an_end(ends):
    left, right = ends
    right.wire.send(b"unread")
    left.wire.close()
    await right.until(lambda: right.reasons)
    assert right.reasons == ["closed"]


def test_messages_survive_the_way():
    step = messages.RecordStep(run=1, number=2, name="lö#2", result='"\\""', seconds=0.5, state=None)
    assert messages.read_from_runner(messages.write(step)) == step
    start = START.model_copy(update={"recorded": {"a": "1"}})
    assert messages.read_to_runner(messages.write(start)) == start


@pytest.mark.parametrize(
    "frame", [b"", b"{", b"{}", b'{"type":"start"}', b'{"type":"done","run":"x"}', b"[1]"]
)
def test_what_a_runner_may_not_say_is_malformed(frame):
    with pytest.raises(ValidationError):
        messages.read_from_runner(frame)


def test_text_is_cut_and_cleaned():
    assert messages.clean("a\ud800b") == "a?b"
    assert messages.clean("x" * 20_000, 10) == "x" * 10 + "… (20,000 characters)"


async def test_an_end_that_has_not_read_everything_is_one_end_also_when_the_wire_is_drained(ends):
    left, right = ends
    right.wire.send(b"unread")
    left.wire.close()
    right.wire.drain()
    assert right.reasons == ["closed"]


async def test_a_socket_that_fails_breaks_the_wire_with_its_reason(ends):
    left, _ = ends
    real = left.wire._socket

    class Failing:
        def fileno(self):
            return real.fileno()

        def recv(self, length):
            raise OSError(errno.ETIMEDOUT, "Connection timed out")

    left.wire._socket = Failing()
    left.wire.drain()
    left.wire._socket = real
    assert left.reasons == ["[Errno 110] Connection timed out"]


async def test_a_drain_receives_all_that_has_arrived_however_many_reads_it_takes(ends, monkeypatch):
    monkeypatch.setattr(wire_module, "_CHUNK", 4)
    left, right = ends
    frames = [b"one", b"another", b""]
    for frame in frames:
        left.wire.send(frame)
    right.wire.drain()
    assert right.frames == frames


async def test_a_frame_of_which_only_a_part_has_arrived_waits_for_the_rest_behind_a_whole_one():
    ours, theirs = socket.socketpair()
    end = End(ours, 1000)
    theirs.sendall(struct.pack(">I", 3) + b"abc" + struct.pack(">I", 5) + b"de")
    end.wire.drain()
    assert end.frames == [b"abc"]
    theirs.sendall(b"fgh")
    end.wire.drain()
    assert end.frames == [b"abc", b"defgh"]
    end.wire.close()
    theirs.close()


async def test_once_all_is_sent_the_loop_does_not_wait_for_room_any_more(ends):
    left, right = ends
    left.wire.send(b"b" * 5_000_000)
    await right.until(lambda: right.frames)
    await asyncio.sleep(0)
    assert not asyncio.get_running_loop().remove_writer(left.wire._socket)


async def test_a_closed_wire_leaves_nothing_behind_in_the_loop(ends):
    left, _ = ends
    left.wire.send(b"b" * 5_000_000)
    number = left.wire._socket.fileno()
    left.wire.close()
    loop = asyncio.get_running_loop()
    assert (loop.remove_reader(number), loop.remove_writer(number)) == (False, False)
