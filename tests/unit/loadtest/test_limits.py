"""Limits of locks: what more than the limit is, and that a verdict fails by it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from loadtest import limits
from loadtest.histories import history_of, overlaps, runs_by_lock, runs_by_slot
from loadtest.limits import Limit, beyond, judge, most_at_once
from tests.unit.loadtest.lives import BEGAN, life
from tests.unit.loadtest.test_verdict import judge as verdict_on


def limit(number, at):
    return Limit(number, BEGAN + timedelta(seconds=at))


def ended(*spans, lock="ledger"):
    """Jobs by when they began and ended, each in a slot of its own."""
    lives = [
        life(f"job-{n}", 0, start, end, fence=1, slot=n, lock=lock) for n, (start, end) in enumerate(spans)
    ]
    return [history_of(events[0]["job_id"], events) for events in lives]


def found(limits, *spans):
    return beyond(runs_by_lock(ended(*spans))["ledger"], limits)


@pytest.mark.parametrize(
    ("given", "spans", "count"),
    [
        # As many as the limit, one after the other, and one more than the limit.
        ([limit(2, 0)], [(10, 20), (11, 20)], 0),
        ([limit(2, 0)], [(10, 20), (11, 20), (20, 30)], 0),
        ([limit(2, 0)], [(10, 20), (11, 20), (12, 20)], 1),
        # Without a limit there is one.
        ([], [(10, 20), (11, 20)], 1),
        ([limit(2, 40)], [(10, 20), (11, 20)], 1),
        # Runs above a lower limit continue, and no other begins beside them.
        ([limit(3, 0), limit(1, 20)], [(10, 40), (11, 40), (12, 40)], 0),
        ([limit(3, 0), limit(1, 20)], [(10, 40), (11, 40), (12, 25), (30, 35)], 0),
        ([limit(3, 0), limit(1, 20)], [(10, 40), (11, 25), (12, 25), (30, 35), (31, 35)], 1),
        # Higher again.
        ([limit(3, 0), limit(1, 20), limit(2, 28)], [(10, 15), (30, 35), (31, 35)], 0),
        ([limit(3, 0), limit(1, 20), limit(2, 28)], [(10, 15), (30, 35), (31, 35), (32, 35)], 1),
        # A start may be noted a little after the lower limit.
        ([limit(2, 0), limit(1, 20)], [(10, 40), (21, 25)], 0),
        ([limit(2, 0), limit(1, 20)], [(10, 40), (23, 25)], 0),
        ([limit(2, 0), limit(1, 20)], [(23, 40), (24, 25)], 1),
    ],
)
def test_only_as_many_begin_as_the_limit_allows(given, spans, count):
    assert len(found(given, *spans)) == count


def test_jobs_that_run_side_by_side_are_counted():
    runs = runs_by_lock(ended((10, 20), (12, 18), (13, 14), (19, 30)))["ledger"]
    assert most_at_once(runs) == 3
    assert most_at_once([]) == 0


#: Two at a time, and after the jobs one, and two again.
MOVED = (limit(2, 0), limit(1, 50), limit(2, 60))


def broken(histories, given=MOVED, asked=(2, 1, 2)):
    findings = judge({"ledger": given}, {"ledger": asked}, histories)
    return [finding.promised for finding in findings if not finding.holds]


def test_a_run_within_its_limits_holds():
    assert broken(ended((10, 20), (11, 20))) == []


@pytest.mark.parametrize(
    ("spans", "more", "promise"),
    [
        ([(10, 20), (11, 20), (12, 20)], {}, "never more jobs of a lock run at once than its limit"),
        ([(10, 20), (20, 30)], {}, "several jobs of a lock ran at once"),
        ([(10, 20), (11, 20)], {"asked": (2, 1, 3)}, "each limit is recorded once, in order"),
        (
            [(10, 20), (11, 20)],
            {"given": (limit(2, 0), limit(1, 50)), "asked": (2, 1)},
            "a limit was lowered and raised under load",
        ),
    ],
)
def test_a_run_that_shows_less_or_more_does_not(spans, more, promise):
    assert broken(ended(*spans), **more) == [promise]


def test_runs_overlap_within_a_slot_only():
    one, other = (life(job, 0, 1, 4, fence=1, slot=slot) for job, slot in (("one", 0), ("two", 1)))
    late = life("three", 0, 3, 5, fence=2, slot=1)
    histories = (history_of(events[0]["job_id"], events) for events in (one, other, late))
    by_slot = runs_by_slot(history for history in histories if history is not None)
    assert overlaps(by_slot["ledger", 0]) == []
    assert overlaps(by_slot["ledger", 1]) == ["three (fence 2) and two (fence 1), slot 1 of ledger"]


def test_the_verdict_looks_at_each_slot_by_itself(evidence):
    evidence.ended["two"] = history_of("two", life("two", 0, 1.5, 3, fence=1, slot=1, end="Failed"))
    given = {"ledger": MOVED}
    with_limits = replace(evidence, limits=given, set_limits={"ledger": [2, 1, 2]})
    assert verdict_on(with_limits).holds
    less = {"ledger": [limit(1, -1), limit(2, 50), limit(1, 60)]}
    verdict = verdict_on(replace(evidence, limits=less, set_limits={"ledger": [1, 2, 1]}))
    assert [one.promised for one in verdict.findings if not one.holds] == [
        "never more jobs of a lock run at once than its limit"
    ]


def test_figures_name_what_each_lock_did():
    (figures,) = limits.figures({"ledger": [limit(2, 0)]}, ended((10, 20), (12, 20))).values()
    assert figures == {"limits": [2], "runs": 2, "most_at_once": 2, "jobs_per_second": 0.2}
