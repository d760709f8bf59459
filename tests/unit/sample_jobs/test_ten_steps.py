"""The demonstration job."""

import pytest
from pydantic import ValidationError

from sample_jobs.ten_steps import StepFailedError, TenSteps, ten_steps
from turnstile.testing import InMemoryChannel, run_job


async def test_it_does_its_steps_and_shows_progress():
    channel = InMemoryChannel()
    assert await run_job(ten_steps, {"seconds": 0}, channel=channel) == {"steps": 10, "done_before": 0}
    assert list(channel.recorded) == [f"step {number}" for number in range(1, 11)]
    assert channel.reports[-1] == (10, 10, "")


async def test_it_fails_where_asked_and_goes_on_from_there():
    channel = InMemoryChannel()
    with pytest.raises(StepFailedError, match="step 3"):
        await run_job(ten_steps, {"steps": 4, "seconds": 0, "fail_at": 3}, channel=channel)
    assert list(channel.recorded) == ["step 1", "step 2"]
    answer = await run_job(ten_steps, {"steps": 4, "seconds": 0}, channel=channel)
    assert answer == {"steps": 4, "done_before": 2}


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"steps": 1001}, {"seconds": -1}, {"seconds": 3601}, {"fail_at": 0}, {"odd": 1}]
)
def test_its_parameters_have_bounds(wrong):
    with pytest.raises(ValidationError):
        TenSteps(**wrong)
