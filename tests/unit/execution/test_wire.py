"""Frames over a socket pair."""

import asyncio
import socket
import struct

import pytest
from pydantic import ValidationError

from worker.execution import messages
from worker.execution.wire import Wire


class End:
    def __init__(self, sock, limit):
        self.frames = []
        self.reasons = []
        self.changed = asyncio.Event()
        self.wire = Wire(sock, self._keep(self.frames), self._keep(self.reasons), limit)

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
    right.wire.send(b"x" * 1001)
    right.wire.send(b"x")
    await left.until(lambda: left.reasons)
    await asyncio.sleep(0)
    assert left.reasons == ["a frame of 1,001 bytes"]


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
    start = messages.Start(
        run=1,
        job_id="j",
        kind="k",
        lock="l",
        attempt=1,
        interruptions=0,
        fence=1,
        traceparent=None,
        parameters="{}",
        recorded={"a": "1"},
        state=None,
    )
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
