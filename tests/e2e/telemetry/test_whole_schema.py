"""Whatever was sent while all this happened is in the schema, and whatever is in the schema was sent."""

import json

import pytest
from tests.e2e.stack import Stack
from tests.e2e.telemetry.otlp_receiver import OtlpReceiver
from tests.e2e.telemetry.received import LogRecord, Received
from tests.e2e.telemetry.schema_check import deviations, never_emitted

from contracts.telemetry import attributes as at

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.usefixtures(
        "ordinary",
        "line",
        "killed_runner",
        "lost_wake_up",
        "commanded",
        "scheduled",
        "failures",
        "lost_worker",
        "frozen_worker",
        "mishaps",
    ),
]


#: Of runs that overlapped, which must not happen, of announcements while the broker is away, of a storage
#: that stops answering just when it is asked, of checks, which a dashboard starts, of due times that came
#: while no scheduler was there, and of jobs that leave, which takes a day at least.
TOLD_IN_UNIT_TESTS = {
    f"attribute `{name}`"
    for name in (
        at.JOB_EVENT_NUMBER,
        at.OTHER_JOB_ID,
        at.OTHER_FENCE,
        at.MESSAGE_COUNT,
        at.RESEND_COUNT,
        at.CHECK_STATE,
        at.CHECK_SECONDS,
        at.ATTRIBUTES_DROPPED,
        at.WITHHELD,
        at.SCHEDULE_MISSED,
        at.RETENTION_ARCHIVED,
        at.RETENTION_DELETED,
        at.RETENTION_FORGOTTEN,
        at.RETENTION_PUT_OFF,
    )
}


def test_nothing_is_sent_that_the_schema_lacks(receiver: OtlpReceiver) -> None:
    found = deviations(receiver.received)
    assert not found, "\n".join(found)


def test_nothing_is_in_the_schema_that_is_never_sent(receiver: OtlpReceiver, shared_stack: Stack) -> None:
    printed = [
        LogRecord(line["service.name"], line["logger"], line["message"], line)
        for log in shared_stack.folder.glob("*.log")
        for line in map(json.loads, filter(lambda text: text.startswith("{"), log.read_text().splitlines()))
    ]
    received = receiver.received
    missing = set(never_emitted(Received(received.spans, received.metrics, [*received.logs, *printed])))
    missing -= TOLD_IN_UNIT_TESTS
    assert not missing, "\n".join(sorted(missing))
