"""What is known of a pool that has not been started: metrics and health checks ask for it early."""

from worker.execution import RunnerPool


def test_a_pool_that_is_not_started_has_no_runners_and_no_idle_ones() -> None:
    pool = RunnerPool(2, ["sample_jobs"])
    assert (pool.alive, pool.idle, pool.kinds()) == (0, 0, {})
