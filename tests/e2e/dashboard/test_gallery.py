"""The jobs that the pages are looked at with are in the states that they are for."""

import pytest
from tests.e2e.dashboard.gallery import Gallery
from tests.e2e.dashboard.running import DashboardStack

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    ("name", "status", "attempts"),
    [
        ("running", "Running", 1),
        ("completed", "Completed", 1),
        ("failed", "Failed", 1),
        ("timed_out", "TimedOut", 1),
        ("cancelled", "Cancelled", 1),
        ("cancelled_in_line", "Cancelled", 0),
        ("resumed", "Completed", 2),
        ("taken_over", "Completed", 2),
        ("hostile", "Completed", 1),
        ("large", "Completed", 1),
    ],
)
def test_there_is_a_job_of_each_state(
    stack: DashboardStack, gallery: Gallery, name: str, status: str, attempts: int
) -> None:
    state = getattr(gallery, name).state()
    assert (state["status"], state["attempt"]) == (status, attempts)


def test_jobs_wait_in_the_order_of_their_priority(stack: DashboardStack, gallery: Gallery) -> None:
    assert [job.state()["position"] for job in gallery.waiting] == [1, 2, 3]
