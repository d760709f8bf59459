"""What runners print, as the log shows it."""

import asyncio
import os
import select

import pytest
from tests.waiting import until

from contracts.telemetry import attributes as at
from worker.execution import output as output_module
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


@pytest.mark.parametrize(("length", "end"), [(8192, ""), (8193, "…")])
async def test_a_line_has_8192_bytes_at_most(printed, length, end):
    output, pipe, caplog = printed
    os.write(pipe, b"x" * length + b"\n")
    os.write(pipe, b"y" * length)
    output.finish_line()
    assert caplog.messages == ["x" * 8192 + end, "y" * 8192 + end]


@pytest.mark.parametrize("length", [8192, 8193])
async def test_a_line_that_comes_in_pieces_is_cut_only_beyond_its_bytes(printed, length):
    output, pipe, caplog = printed
    os.write(pipe, b"x" * length)
    output.drain()
    os.write(pipe, b"\n")
    output.drain()
    assert caplog.messages == ["x" * 8192 + ("…" if length > 8192 else "")]


async def test_nothing_is_left_after_a_line_was_finished(printed):
    output, pipe, caplog = printed
    os.write(pipe, b"one")
    output.finish_line()
    output.finish_line()
    os.write(pipe, b"two\n\n")
    output.finish_line()
    assert caplog.messages == ["one", "two", ""]


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


@pytest.mark.parametrize(("lines", "dropped"), [(100, []), (101, [1])])
async def test_a_period_has_100_lines(monkeypatch, printed, lines, dropped):
    output, pipe, caplog = printed
    os.write(pipe, b"y\n" * lines)
    output.drain()
    output.close()
    assert caplog.messages.count("y") == 100
    counts = [record for record in caplog.records if record.getMessage() == "output dropped"]
    assert [getattr(record, at.DROPPED) for record in counts] == dropped
    assert all(getattr(record, at.JOB_ID) == "j" for record in counts)


async def test_each_period_has_its_own_lines_and_tells_its_own_drops(monkeypatch, caplog):
    monkeypatch.setattr(output_module, "_LINES", 2)
    monkeypatch.setattr(output_module, "_PERIOD_SECONDS", 0.01)
    caplog.set_level("INFO")
    read_end, write_end = os.pipe()
    output = Output(read_end, dict)
    for letter in (b"a", b"b"):
        os.write(write_end, (letter + b"\n") * 3)
        output.drain()
        await until(lambda: output._timer is None)
    os.write(write_end, b"c\n")
    output.drain()
    await until(lambda: output._timer is None)
    assert caplog.messages == ["a", "a", "output dropped", "b", "b", "output dropped", "c"]
    drops = [getattr(record, at.DROPPED) for record in caplog.records if hasattr(record, at.DROPPED)]
    assert drops == [1, 1]
    output.close()
    os.close(write_end)


async def test_a_writer_that_ends_or_a_pipe_that_is_closed_is_read_no_more(caplog):
    caplog.set_level("INFO")
    read_end, write_end = os.pipe()
    output = Output(read_end, dict)
    os.write(write_end, b"last")
    os.close(write_end)
    await until(lambda: output._is_at_end)
    assert not asyncio.get_running_loop().remove_reader(read_end)
    output.close()
    assert caplog.messages == ["last"]
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(read_end)
    output.drain()
    output.close()
    assert caplog.messages == ["last"]


async def test_after_so_many_bytes_of_a_period_nothing_is_read_until_the_next(monkeypatch, caplog):
    monkeypatch.setattr(output_module, "_BYTES", 10)
    monkeypatch.setattr(output_module, "_PERIOD_SECONDS", 0.02)
    monkeypatch.setattr(output_module, "_CHUNK", 5)
    caplog.set_level("INFO")
    read_end, write_end = os.pipe()
    output = Output(read_end, dict)
    os.write(write_end, b"aaaa\nbbbb\ncccc\n")
    output.drain()
    assert caplog.messages == ["aaaa", "bbbb"]
    assert not asyncio.get_running_loop().remove_reader(read_end)
    await until(lambda: caplog.messages == ["aaaa", "bbbb", "cccc"])
    output.close()
    os.close(write_end)


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


async def test_the_rest_of_a_long_line_is_not_kept(printed):
    output, pipe, _ = printed
    os.write(pipe, b"x" * 30_000)
    output.drain()
    assert len(output._rest) == 8193


async def test_a_pipe_that_is_closed_is_forgotten_and_no_period_follows(printed, caplog):
    read_end, write_end = os.pipe()
    output = Output(read_end, dict)
    os.write(write_end, b"one\n")
    output.drain()
    timer = output._timer
    output.close()
    assert timer.cancelled()
    assert not asyncio.get_running_loop().remove_reader(read_end)
    assert output._fd < 0
    os.close(write_end)


async def test_a_pipe_at_its_end_is_not_read_again_in_the_next_period(monkeypatch):
    monkeypatch.setattr(output_module, "_BYTES", 10)
    read_end, write_end = os.pipe()
    output = Output(read_end, dict)
    os.write(write_end, b"a line of a full period\n")
    os.close(write_end)
    output.drain()
    output._read()
    output._timer.cancel()
    output._new_period()
    assert not asyncio.get_running_loop().remove_reader(read_end)
    output.close()
