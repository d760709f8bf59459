"""Where the spans of a job hang: everybody finds the same anchor, and each attempt has its own."""

import hashlib
from types import SimpleNamespace

import pytest
from opentelemetry.trace import TraceFlags

from coordination.journal.rows import JobRow
from worker.telemetry import anchors
from worker.telemetry.anchors import anchor, submission, traceparent

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def job(job_id: str = "one", attempt: int = 1, flags: str = "01") -> JobRow:
    return JobRow(job_id, "ten-steps", "ledger", attempt=attempt, traceparent=f"00-{TRACE}-{PARENT}-{flags}")


@pytest.mark.parametrize("text", [None, "", "nonsense", f"00-{'0' * 32}-{PARENT}-01"])
def test_a_job_without_a_trace_has_no_anchor(text: str | None) -> None:
    without = JobRow("one", "ten-steps", "ledger", attempt=1, traceparent=text)
    assert submission(without) is None
    assert anchor(without) is None


@pytest.mark.parametrize("flags", ["00", "01"])
def test_an_anchor_is_of_the_submissions_trace_and_sampled_as_that_is(flags: str) -> None:
    root, mine = submission(job(flags=flags)), anchor(job(flags=flags))
    assert root is not None
    assert mine is not None
    assert (f"{root.trace_id:032x}", f"{root.span_id:016x}") == (TRACE, PARENT)
    assert mine.trace_id == root.trace_id
    assert mine.trace_flags == root.trace_flags == TraceFlags(int(flags))
    assert mine.is_remote


def test_an_anchor_follows_from_the_job_and_the_attempt_alone() -> None:
    third = anchor(job(attempt=3))
    assert third is not None
    # As workers of every version compute it, since one links to what another made.
    assert third.span_id == int.from_bytes(hashlib.sha256(b"one/3").digest()[:8], "big")
    assert anchor(job(attempt=7), 3) == third
    others = (anchor(job(attempt=2)), anchor(job("other", attempt=3)))
    assert len({third.span_id, *(other.span_id for other in others if other is not None)}) == 3


def test_a_traceparent_has_every_digit() -> None:
    mine = anchor(job())
    assert mine is not None
    assert traceparent(mine) == f"00-{TRACE}-{mine.span_id:016x}-01"
    unsampled = submission(job(flags="00"))
    assert unsampled is not None
    assert traceparent(unsampled) == f"00-{TRACE}-{PARENT}-00"


def test_an_anchor_is_never_the_id_that_stands_for_no_span(monkeypatch: pytest.MonkeyPatch) -> None:
    class Zeros:
        def digest(self) -> bytes:
            return bytes(32)

    monkeypatch.setattr(anchors, "hashlib", SimpleNamespace(sha256=lambda _: Zeros()))
    mine = anchor(job())
    assert mine is not None
    assert mine.span_id == 1
