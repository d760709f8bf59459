"""The checksum job, on local files."""

import hashlib
import os

import pytest

from sample_jobs import checksum_file
from turnstile import FailJob, InvalidParametersError
from turnstile.channels import StopReason
from turnstile.errors import JobCancelledError
from turnstile.testing import InMemoryChannel, run_job

CHUNK = 1024


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "input"
    folder.mkdir()
    monkeypatch.setenv("TURNSTILE_INPUT_FOLDER", str(folder))
    return folder


@pytest.fixture
def content(folder):
    data = b"".join(b"line %d\n" % number for number in range(1000)) + b"no end"
    (folder / "data.txt").write_bytes(data)
    return data


def expected(data):
    return {
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "lines": data.count(b"\n"),
        "chunks": -(-len(data) // CHUNK),
    }


async def test_it_gives_the_digest_and_the_counts(folder, content):
    channel = InMemoryChannel()
    result = await run_job(checksum_file, {"path": "data.txt", "chunk_bytes": CHUNK}, channel=channel)
    assert result == expected(content)
    assert len(channel.steps) == result["chunks"]
    assert channel.reports[-1][:2] == (len(content), len(content))


async def test_an_absolute_path_and_an_empty_file_are_fine(folder):
    (folder / "empty").touch()
    result = await run_job(checksum_file, {"path": str(folder / "empty")})
    assert result == {"sha256": hashlib.sha256(b"").hexdigest(), "bytes": 0, "lines": 0, "chunks": 0}


async def test_it_goes_on_where_it_was_stopped_and_repeats_no_step(folder, content):
    channel = InMemoryChannel()

    def stop_after_three(step):
        channel.stop = StopReason.SHUTDOWN if len(channel.steps) == 3 else None

    channel.after_step = stop_after_three
    parameters = {"path": "data.txt", "chunk_bytes": CHUNK}
    with pytest.raises(JobCancelledError):
        await run_job(checksum_file, parameters, channel=channel)
    channel.stop = None
    assert await run_job(checksum_file, parameters, channel=channel) == expected(content)
    names = [step.name for step in channel.steps]
    assert names == [f"chunk {number}" for number in range(1, len(names) + 1)]


async def test_a_file_that_changed_between_attempts_fails_the_job(folder, content):
    channel = InMemoryChannel()
    channel.after_step = lambda step: setattr(channel, "stop", StopReason.SHUTDOWN)
    parameters = {"path": "data.txt", "chunk_bytes": CHUNK}
    with pytest.raises(JobCancelledError):
        await run_job(checksum_file, parameters, channel=channel)
    os.utime(folder / "data.txt", ns=(1, 1))
    channel.stop = None
    with pytest.raises(FailJob, match="changed since an earlier attempt"):
        await run_job(checksum_file, parameters, channel=channel)


async def test_a_file_that_changes_while_it_is_read_fails_the_job(folder, content):
    channel = InMemoryChannel()
    channel.after_step = lambda step: os.utime(folder / "data.txt", ns=(1, 1))
    with pytest.raises(FailJob, match="changed while it was read"):
        await run_job(checksum_file, {"path": "data.txt", "chunk_bytes": CHUNK}, channel=channel)


async def test_a_file_that_is_cut_off_while_it_is_read_fails_the_job(folder, content):
    channel = InMemoryChannel()
    channel.after_step = lambda step: os.truncate(folder / "data.txt", CHUNK + 1)
    with pytest.raises(FailJob, match="become shorter"):
        await run_job(checksum_file, {"path": "data.txt", "chunk_bytes": CHUNK}, channel=channel)


def link_outside(folder):
    (folder.parent / "secret").write_text("s")
    (folder / "link").symlink_to(folder.parent / "secret")
    return "link"


def link_in_a_circle(folder):
    (folder / "circle").symlink_to("circle")
    return "circle"


def named_pipe(folder):
    os.mkfifo(folder / "pipe")
    return "pipe"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: "missing", "'missing' does not exist"),
        (lambda folder: "../outside", "not under the input folder"),
        (lambda folder: "/etc/passwd", "not under the input folder"),
        (link_outside, "not under the input folder"),
        (link_in_a_circle, "circle"),
        (named_pipe, "not a regular file"),
        (lambda folder: ".", "not a regular file"),
        (lambda folder: "x" * 300, "File name too long"),
        (lambda folder: str(folder) + "-beside/x", "not under the input folder"),
    ],
)
async def test_what_cannot_be_read_fails_with_the_reason(folder, make, reason):
    with pytest.raises(FailJob, match=reason) as caught:
        await run_job(checksum_file, {"path": make(folder)})
    assert str(folder.parent / "secret") not in str(caught.value)


async def test_a_link_inside_the_folder_is_followed(folder, content):
    (folder / "alias").symlink_to("data.txt")
    assert (await run_job(checksum_file, {"path": "alias", "chunk_bytes": CHUNK})) == expected(content)


async def test_without_a_configured_folder_or_container_the_job_fails(monkeypatch):
    monkeypatch.delenv("TURNSTILE_INPUT_FOLDER", raising=False)
    monkeypatch.delenv("TURNSTILE_INPUT_CONTAINER_URL", raising=False)
    with pytest.raises(FailJob, match="TURNSTILE_INPUT_FOLDER"):
        await run_job(checksum_file, {"path": "x"})
    with pytest.raises(FailJob, match="TURNSTILE_INPUT_CONTAINER_URL"):
        await run_job(checksum_file, {"blob": "x"})


async def test_too_many_chunks_are_refused_with_the_remedy(folder):
    with (folder / "large").open("wb") as file:
        file.truncate(30 * 1024 * 1024)
    with pytest.raises(FailJob, match="chunk_bytes must be at least 1,573"):
        await run_job(checksum_file, {"path": "large", "chunk_bytes": CHUNK})


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({}, "parameters: .*either path or blob"),
        ({"path": "a", "blob": "b"}, "parameters: .*either path or blob"),
        ({"path": ""}, "path: "),
        ({"path": "a\0b"}, "path: "),
        ({"path": "a", "chunk_bytes": 1023}, "chunk_bytes: "),
        ({"path": "a", "chunk_bytes": 64 * 1024 * 1024 + 1}, "chunk_bytes: "),
        ({"path": "a", "pause_ms": -1}, "pause_ms: "),
        ({"path": "a", "odd": 1}, "odd: "),
    ],
)
async def test_wrong_parameters_are_named(wrong, field):
    with pytest.raises(InvalidParametersError, match=field):
        await run_job(checksum_file, wrong)
