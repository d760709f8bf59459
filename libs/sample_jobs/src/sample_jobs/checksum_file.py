"""Counts and hashes a file or blob, chunk by chunk: real work that continues where a killed worker ended."""

import hashlib
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sample_jobs.blob_source import BlobSource
from sample_jobs.inputs import InputSettings, explain
from sample_jobs.sources import FileSource, Source, Version
from turnstile import FailJob, SyncJobContext, job

#: Every chunk is a recorded step, and the records of one job should stay countable.
_MAX_CHUNKS = 20_000
_NAME = r"^[^\x00]+$"


class ChecksumFile(BaseModel):
    """Parameters of checksum-file: a path or a blob."""

    model_config = ConfigDict(extra="forbid")

    path: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=4096,
            pattern=_NAME,
            description="A file under the workers' input folder, absolute or relative to it.",
        ),
    ] = None
    blob: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=1024,
            pattern=_NAME,
            description="A blob in the workers' input container.",
        ),
    ] = None
    chunk_bytes: Annotated[
        int, Field(ge=1024, le=64 * 1024 * 1024, description="How much is read in one step.")
    ] = 1024 * 1024
    pause_ms: Annotated[
        int, Field(ge=0, le=60_000, description="Pause before each chunk, so that a demonstration lasts.")
    ] = 0

    @model_validator(mode="after")
    def _names_one_source(self) -> Self:
        if (self.path is None) == (self.blob is None):
            raise ValueError("give either path or blob")
        return self


class Checksum(BaseModel):
    """Result of checksum-file. Lines are counted by their ends, as `wc -l` does."""

    sha256: str
    bytes: int
    lines: int
    chunks: int


class Chunk(BaseModel):
    """Result of one step."""

    bytes: int
    lines: int


class Position(BaseModel):
    """Saved state: how far the work is, and in which version of the content."""

    offset: int
    lines: int
    chunks: int
    size: int
    tag: str


@dataclass
class _Count:
    offset: int = 0
    lines: int = 0
    chunks: int = 0


@job("checksum-file", description="Counts bytes and lines of a file or blob and computes its SHA-256.")
def checksum_file(ctx: SyncJobContext, parameters: ChecksumFile) -> Checksum:
    """Read the content in chunks, one step each; an interrupted job continues with the next chunk.

    The inner state of SHA-256 cannot be carried from one process to another, so the next attempt reads what
    was read before once more, to bring the digest to where it was; the recorded steps are not repeated.
    Content that has changed since fails the job.
    """
    with _source(parameters) as source:
        version = source.version()
        if version.size > _MAX_CHUNKS * parameters.chunk_bytes:
            least = -(-version.size // _MAX_CHUNKS)
            raise FailJob(
                f"{version.size:,} bytes are too many chunks; chunk_bytes must be at least {least:,}"
            )
        digest = hashlib.sha256()
        count = _adopt_next_run(ctx, source, version, parameters.chunk_bytes, digest)
        while count.offset < version.size:
            ctx.sleep(parameters.pause_ms / 1000)
            _add_chunk(ctx, source, version, parameters.chunk_bytes, digest, count)
        if source.version() != version:
            raise FailJob("the content has changed while it was read")
    return Checksum(sha256=digest.hexdigest(), bytes=count.offset, lines=count.lines, chunks=count.chunks)


def _source(parameters: ChecksumFile) -> Source:
    try:
        settings = InputSettings()
    except ValidationError as error:
        raise FailJob(explain(error)) from None
    if parameters.blob is not None:
        return BlobSource(settings.container_url, parameters.blob)
    return FileSource(settings.folder, parameters.path or "")


def _adopt_next_run(
    ctx: SyncJobContext, source: Source, version: Version, chunk_bytes: int, digest: "hashlib._Hash"
) -> _Count:
    """Bring the digest to where an earlier attempt left off."""
    position = ctx.state_as(Position)
    if position is None:
        return _Count()
    if (position.size, position.tag) != (version.size, version.tag):
        raise FailJob("the content has changed since an earlier attempt read part of it")
    offset = 0
    while offset < position.offset:
        ctx.check()
        data = source.read(offset, min(chunk_bytes, position.offset - offset))
        _require(bool(data))
        digest.update(data)
        offset += len(data)
    ctx.progress(offset, version.size)
    ctx.logger.info("continuing", extra={"offset": offset, "size": version.size})
    return _Count(position.offset, position.lines, position.chunks)


def _add_chunk(
    ctx: SyncJobContext,
    source: Source,
    version: Version,
    chunk_bytes: int,
    digest: "hashlib._Hash",
    count: _Count,
) -> None:
    length = min(chunk_bytes, version.size - count.offset)
    # Named by its number: the record and the state with the next offset are committed together.
    with ctx.step(f"chunk {count.chunks + 1}") as step:
        data = source.read(count.offset, length)
        _require(len(data) == length)
        digest.update(data)
        chunk = Chunk(bytes=length, lines=data.count(b"\n"))
        count.offset += chunk.bytes
        count.lines += chunk.lines
        count.chunks += 1
        ctx.save_state(
            Position(
                offset=count.offset,
                lines=count.lines,
                chunks=count.chunks,
                size=version.size,
                tag=version.tag,
            )
        )
        step.result = chunk
    ctx.progress(count.offset, version.size)


def _require(is_all_there: bool) -> None:
    if not is_all_there:
        raise FailJob("the content has become shorter while it was read")
