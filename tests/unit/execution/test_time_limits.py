"""A submission may shorten the time limits of its job, and never lengthen them."""

from datetime import timedelta

import pytest

from coordination.journal.rows import JobRow
from worker.execution.time_limits import TimeLimits, limits_of


@pytest.mark.parametrize(
    ("of_kind", "asked", "timeout"),
    [(None, None, None), (60, None, 60), (None, 5, 5), (60, 5, 5), (60, 600, 60)],
)
def test_the_shorter_timeout_counts(
    of_kind: float | None, asked: float | None, timeout: float | None
) -> None:
    job = JobRow("a", "kind", "L", timeout=asked)
    kind = None if of_kind is None else timedelta(seconds=of_kind)
    assert limits_of(job, kind, 10) == TimeLimits(timeout, 10)


@pytest.mark.parametrize(("asked", "grace"), [(None, 10), (0, 0), (3, 3), (30, 10)])
def test_the_shorter_grace_counts(asked: float | None, grace: float) -> None:
    assert limits_of(JobRow("a", "kind", "L", cancel_grace=asked), None, 10).grace == grace
