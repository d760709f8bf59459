"""Statuses, names of the broker's places, and trace ids: words that stand in storage and on the wire."""

import pytest

from contracts import topology
from contracts.statuses import EventStatus, JobStatus, RunPart
from contracts.topology import Topology
from contracts.traceparent import trace_id_of

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    ("status", "text", "is_terminal"),
    [
        (JobStatus.QUEUED, "Queued", False),
        (JobStatus.RUNNING, "Running", False),
        (JobStatus.COMPLETED, "Completed", True),
        (JobStatus.FAILED, "Failed", True),
        (JobStatus.CANCELLED, "Cancelled", True),
        (JobStatus.TIMED_OUT, "TimedOut", True),
        (JobStatus.EXPIRED, "Expired", True),
        (EventStatus.SUBMITTED, "Submitted", False),
        (EventStatus.LEASE_ACQUIRED, "LeaseAcquired", False),
        (EventStatus.STARTED, "Started", False),
        (EventStatus.STEP, "Step", False),
        (EventStatus.STATE_SAVED, "StateSaved", False),
        (EventStatus.CANCEL_REQUESTED, "CancelRequested", False),
        (EventStatus.INTERRUPTED, "Interrupted", False),
        (EventStatus.ATTEMPT_FAILED, "AttemptFailed", False),
        (EventStatus.COMPLETED, "Completed", True),
        (EventStatus.FAILED, "Failed", True),
        (EventStatus.CANCELLED, "Cancelled", True),
        (EventStatus.TIMED_OUT, "TimedOut", True),
        (EventStatus.EXPIRED, "Expired", True),
        (EventStatus.FINALIZED, "Finalized", False),
        (EventStatus.PINNED, "Pinned", False),
        (EventStatus.UNPINNED, "Unpinned", False),
    ],
)
def test_a_status_is_this_word_and_is_terminal_or_not(
    status: JobStatus | EventStatus, text: str, is_terminal: bool
) -> None:
    assert (status.value, status.is_terminal) == (text, is_terminal)


def test_no_status_is_left_out_above() -> None:
    assert (len(JobStatus), len(EventStatus)) == (7, 16)


@pytest.mark.parametrize(
    ("status", "run_part", "changes_summary"),
    [
        (EventStatus.SUBMITTED, None, True),
        (EventStatus.LEASE_ACQUIRED, None, True),
        (EventStatus.STARTED, RunPart.START, True),
        (EventStatus.STEP, RunPart.WITHIN, False),
        (EventStatus.STATE_SAVED, RunPart.WITHIN, False),
        (EventStatus.CANCEL_REQUESTED, None, True),
        (EventStatus.INTERRUPTED, RunPart.END, True),
        (EventStatus.COMPLETED, RunPart.END, True),
        (EventStatus.FAILED, RunPart.END, True),
        (EventStatus.CANCELLED, RunPart.END, True),
        (EventStatus.TIMED_OUT, RunPart.END, True),
        (EventStatus.EXPIRED, RunPart.END, True),
        (EventStatus.ATTEMPT_FAILED, RunPart.END, True),
        (EventStatus.FINALIZED, None, True),
        (EventStatus.PINNED, None, True),
        (EventStatus.UNPINNED, None, True),
    ],
)
def test_an_event_is_this_part_of_a_run_and_changes_the_summary_or_not(
    status: EventStatus, run_part: RunPart | None, changes_summary: bool
) -> None:
    assert (status.run_part, status.changes_summary) == (run_part, changes_summary)
    assert (status.starts_run, status.ends_run) == (run_part is RunPart.START, run_part is RunPart.END)


def test_every_terminal_event_ends_a_run_and_changes_the_summary() -> None:
    assert all(status.ends_run and status.changes_summary for status in EventStatus if status.is_terminal)


@pytest.mark.parametrize("status", [*JobStatus, *EventStatus])
def test_a_status_is_found_by_its_word_in_storage(status: JobStatus | EventStatus) -> None:
    assert type(status)(status.value) is status
    assert str(status) == status.value == status


def test_every_terminal_event_ends_in_the_status_of_its_name() -> None:
    jobs = {status.value for status in JobStatus if status.is_terminal}
    assert {status.value for status in EventStatus if status.is_terminal} == jobs


def names(of: Topology) -> dict[str, str]:
    """Return every name of an installation, by what it names."""
    return {
        "jobs exchange": of.jobs_exchange,
        "events exchange": of.events_exchange,
        "control exchange": of.control_exchange,
        "quarantine exchange": of.quarantine_exchange,
        "jobs queue": of.jobs_queue,
        "submissions queue": of.submissions_queue,
        "projector queue": of.projector_queue,
        "quarantine queue": of.quarantine_queue,
        "delay queue": of.delay_queue(2000),
    }


def test_names_of_exchanges_queues_and_routing_keys_never_change() -> None:
    """Another name would leave messages behind where no service looks."""
    assert names(Topology()) == {
        "jobs exchange": "turnstile.jobs",
        "events exchange": "turnstile.events",
        "control exchange": "turnstile.control",
        "quarantine exchange": "turnstile.quarantine",
        "jobs queue": "turnstile.jobs",
        "submissions queue": "turnstile.submissions",
        "projector queue": "turnstile.audit-projector",
        "quarantine queue": "turnstile.jobs.quarantine",
        "delay queue": "turnstile.jobs.delay.2000",
    }
    assert (topology.RUN, topology.SUBMIT, topology.EVENTS, topology.QUARANTINE) == (
        "run",
        "submit",
        "job",
        "quarantine",
    )
    assert topology.delay_key(2000) == "delay.2000"
    # RabbitMQ refuses a queue that is declared with another limit.
    assert topology.DELIVERY_LIMIT == 50


def test_two_installations_share_no_name() -> None:
    one, other = names(Topology("blue")), names(Topology("green"))
    assert not set(one.values()) & set(other.values())
    assert all(name.startswith("blue.") for name in one.values())


@pytest.mark.parametrize(
    ("traceparent", "trace_id"),
    [
        (f"00-{TRACE}-b7ad6b7169203331-01", TRACE),
        (f"01-{TRACE}-b7ad6b7169203331-01-of-a-later-version", TRACE),
        (f"00-{TRACE}-b7ad6b7169203331", None),
        (f"00-{TRACE[1:]}-b7ad6b7169203331-01", None),
        (f"00-0{TRACE}-b7ad6b7169203331-01", None),
        ("nonsense", None),
        ("", None),
        (None, None),
    ],
)
def test_a_trace_id_is_read_out_of_a_whole_traceparent_only(
    traceparent: str | None, trace_id: str | None
) -> None:
    assert trace_id_of(traceparent) == trace_id
