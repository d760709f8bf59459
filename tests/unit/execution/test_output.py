"""What runners print, as the log shows it."""

import os
import select

import pytest
from tests.waiting import until

from contracts.telemetry import attributes as at
from worker.execution.output import Output


@pytest.fixture
async def printed(caplog):
    caplog.set_level("INFO")
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    output = Output(read_end, lambda: {at.JOB_ID: "j"})
    yield output, write_end, caplog
    output.close()
    os.close(write_end)


async def test_lines_are_logged_with_their_job(printed):
    _, pipe, caplog = printed
    os.write(pipe, b"one\r\ntw")
    os.write(pipe, b"o\n\xff\n")
    await until(lambda: len(caplog.records) == 3)
    assert caplog.messages == ["one", "two", "�"]
    assert {getattr(record, at.JOB_ID) for record in caplog.records} == {"j"}


async def test_what_is_left_becomes_a_line_at_the_end_of_the_run(printed):
    output, pipe, caplog = printed
    os.write(pipe, b"no newline")
    output.finish_line()
    assert caplog.messages == ["no newline"]


async def test_long_lines_are_cut(printed):
    output, pipe, caplog = printed
    for _ in range(3):
        os.write(pipe, b"x" * 30_000)
        output.drain()
    os.write(pipe, b"\nnext\n")
    await until(lambda: len(caplog.messages) == 2)
    assert caplog.messages == ["x" * 8192 + "…", "next"]


async def test_a_flood_is_dropped_and_counted(printed):
    _, pipe, caplog = printed
    os.write(pipe, b"y\n" * 1000)
    await until(lambda: "output dropped" in caplog.messages)
    assert caplog.messages.count("y") == 100
    assert getattr(caplog.records[-1], at.DROPPED) == 900


async def test_a_flood_makes_the_writer_wait(printed):
    output, pipe, _ = printed

    def flood():
        while sum(written) < 100_000_000:
            written.append(os.write(pipe, b"z" * 65_536))
            output.drain()

    written = []
    with pytest.raises(BlockingIOError):
        flood()
    assert sum(written) < 2_500_000
    await until(lambda: select.select([], [pipe], [], 0)[1])
