"""What is of a period and what is not, exactly at its bounds."""

from datetime import datetime, timedelta

import pytest
from tests.unit.verification.asking import Scope, broken, verdict_on
from tests.unit.verification.authored import BEGINNING, Author, job_id
from tests.unit.verification.records import Records

from coordination.journal.events import timestamp

ONE = job_id(1)
MICROSECOND = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("began", "ended", "is_held"),
    [
        (0, 10, False),
        (0, 20, True),
        (0, 40, True),
        (0, None, True),
        (20, 25, True),
        (29, None, True),
        (30, 40, False),
        (30, None, False),
    ],
)
def test_a_period_holds_its_first_moment_and_not_its_last(
    began: int, ended: int | None, is_held: bool
) -> None:
    scope = Scope(since=BEGINNING + timedelta(seconds=20), until=BEGINNING + timedelta(seconds=30))
    started, over = (
        text if text is None else timestamp(BEGINNING + timedelta(seconds=text)) for text in (began, ended)
    )
    assert started is not None
    assert scope.holds(started, over) is is_held
    assert scope.holds(started, over or "") is is_held


@pytest.mark.parametrize(
    ("scope", "has_period"),
    [(Scope(("a",)), False), (Scope(since=BEGINNING), True), (Scope(until=BEGINNING), True)],
)
def test_one_bound_makes_a_period(scope: Scope, has_period: bool) -> None:
    assert scope.has_period is has_period


@pytest.mark.parametrize(
    ("bound", "beyond", "counts"),
    [
        ("since", timedelta(), {"jobs": 1, "runs": 1, "events": 4, "interruptions": 0}),
        ("since", MICROSECOND, None),
        ("until", timedelta(), None),
        ("until", MICROSECOND, {"jobs": 1, "runs": 0, "events": 4, "interruptions": 0}),
    ],
)
async def test_the_bounds_of_a_period_are_exact_for_jobs_and_runs(
    bound: str, beyond: timedelta, counts: dict[str, int] | None
) -> None:
    author = Author()
    author.start(author.submit())
    author.end(ONE)
    submitted, ended = (datetime.fromisoformat(author.event(ONE, seq)["timestamp"]) for seq in (1, 4))
    scope = Scope(since=ended + beyond) if bound == "since" else Scope(until=submitted + beyond)
    if counts is None:
        with pytest.raises(ValueError, match="there is no job"):
            await verdict_on(Records(author), scope=scope)
        return
    verdict = await verdict_on(Records(author), scope=scope)
    assert {name: verdict.counts[name] for name in counts} == counts


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [(0, 2, {"I2"}), (9, 11, {"I2"}), (19, 21, {"I2"}), (29, 31, set()), (0, 99, {"I2"})],
)
async def test_an_overlap_is_of_the_period_if_one_of_its_runs_is(
    since: int, until: int, found: set[str]
) -> None:
    author = Author()
    one, other, last = (author.submit() for _ in range(3))
    author.start(one, "w1")
    author.pause(10)
    author.start(other, "w2")
    author.end(one)
    author.pause(10)
    author.end(other)
    author.pause(10)
    author.start(last)
    scope = Scope(since=BEGINNING + timedelta(seconds=since), until=BEGINNING + timedelta(seconds=until))
    assert set(await broken(Records(author), scope=scope)) == found
