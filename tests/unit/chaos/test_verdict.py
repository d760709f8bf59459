"""A job ends as it should, or there is a reason in its journal or its orders."""

import pytest
from tests.chaos.load import Accepted
from tests.chaos.verdict import may_end
from tests.e2e.records import Recorded


@pytest.mark.parametrize(
    ("status", "message", "is_cancelled", "is_allowed"),
    [
        ("Completed", "completed", False, True),
        ("Completed", "completed, the cancellation came too late", True, True),
        ("Cancelled", "cancelled, asked by somebody", True, True),
        ("Cancelled", "cancelled, asked by somebody", False, False),
        ("Failed", "its runner process died 5 times, last: killed", False, True),
        ("Failed", "its worker was lost 20 times, last: lost", False, True),
        ("Failed", "no such file", False, False),
        ("Failed", "no such file", True, False),
        ("TimedOut", "took too long", False, False),
    ],
)
def test_every_end_needs_a_reason(status: str, message: str, is_cancelled: bool, is_allowed: bool) -> None:
    job = Accepted("a", "ledger", {}, is_cancelled)
    assert may_end(job, Recorded("a", 4, status, message, 1, 1, "worker-1", 1.0)) is is_allowed
