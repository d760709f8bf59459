"""Whatever was sent while all this happened is in the schema, and whatever is in the schema was sent."""

import pytest
from tests.e2e.telemetry.otlp_receiver import OtlpReceiver
from tests.e2e.telemetry.schema_check import deviations, never_emitted

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.usefixtures(
        "ordinary",
        "line",
        "killed_runner",
        "lost_doorbell",
        "commanded",
        "failures",
        "lost_worker",
        "frozen_worker",
        "mishaps",
    ),
]


def test_nothing_is_sent_that_the_schema_lacks(receiver: OtlpReceiver) -> None:
    assert deviations(receiver.received) == []


def test_nothing_is_in_the_schema_that_is_never_sent(receiver: OtlpReceiver) -> None:
    assert never_emitted(receiver.received) == []
