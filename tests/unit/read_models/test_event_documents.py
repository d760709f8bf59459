"""Events as the API and the read models show them."""

from dataclasses import replace
from datetime import UTC, datetime

from contracts.jobs import Event
from contracts.statuses import EventStatus
from coordination.journal.rows import EventRow
from read_models.documents import event_document

EVENT = EventRow(
    job_id="job",
    lock_name="L",
    seq=5,
    status="Step",
    message="one",
    timestamp="2026-01-01T00:00:00.000000Z",
    attempt=2,
    actor="ann",
    op_id="op",
    hash="",
    fence=7,
    worker="w1",
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    data='{"share":0.5,"text":"\u00fc"}',
    previous_hash="before",
)


def test_an_event_is_shown_with_all_that_was_recorded() -> None:
    assert event_document(EVENT) == Event(
        job_id="job",
        seq=5,
        event_id="job-000005",
        status=EventStatus.STEP,
        message="one",
        timestamp_utc=datetime(2026, 1, 1, tzinfo=UTC),
        attempt=2,
        fence=7,
        worker="w1",
        lock="L",
        actor="ann",
        trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
        data={"share": 0.5, "text": "ü"},
    )
    untraced = event_document(replace(EVENT, fence=None, worker=None, traceparent=None))
    assert (untraced.fence, untraced.worker, untraced.trace_id) == (None, None, None)
