"""A worker chooses the next job at the end of each run, by the line as it stood shortly before."""

import pytest
from tests.unit.coordination.setting import Setting

from coordination.holder.upcoming import BELIEVED_SECONDS, HINT_SECONDS
from coordination.outcomes import Completed


@pytest.mark.parametrize(("is_hinted", "seconds"), [(False, BELIEVED_SECONDS), (True, HINT_SECONDS)])
async def test_a_more_urgent_job_that_came_during_the_run_is_next(is_hinted: bool, seconds: float) -> None:
    world = Setting()
    await world.submit()
    waiting = await world.submit()
    tenure, _ = await world.hold()
    urgent = await world.submit(priority=0)
    if is_hinted:
        tenure.hint()
    await world.clock.advance(seconds)
    run = await tenure.finish(Completed(), lambda _: True)
    assert run is not None
    assert run.job.job_id == urgent
    run = await tenure.finish(Completed(), lambda _: True)
    assert run is not None
    assert run.job.job_id == waiting
    await world.close()
