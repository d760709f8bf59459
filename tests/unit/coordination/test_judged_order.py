"""A worker chooses the next job at the end of each run, by the line as it stands then."""

from tests.unit.coordination.setting import Setting

from coordination.outcomes import Completed


async def test_a_more_urgent_job_that_came_during_the_run_is_next() -> None:
    world = Setting()
    await world.submit()
    waiting = await world.submit()
    tenure, _ = await world.hold()
    urgent = await world.submit(priority=0)
    run = await tenure.finish(Completed(), lambda _: True)
    assert run is not None
    assert run.job.job_id == urgent
    run = await tenure.finish(Completed(), lambda _: True)
    assert run is not None
    assert run.job.job_id == waiting
    await world.close()
