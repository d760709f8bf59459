"""A take-over counts from the last fault: the kill, or one that hit whoever was taking over."""

from types import SimpleNamespace
from typing import Any

import pytest
from tests.chaos.proxy import LeaseTry
from tests.chaos.running_jobs import RunningJob
from tests.chaos.take_overs import Kill, take_overs
from tests.e2e.records import Recorded

from contracts import lock_names

_LOCK = "ledger"


def kill(worker: str, at: float, what: str = "supervisor", lock: str = _LOCK, fence: int = 7) -> Kill:
    whom: Any = SimpleNamespace(name=worker)
    return Kill(RunningJob(whom, 1, 2, lock, f"job of {lock}", fence, "effect 1"), what, at)


def lease_try(worker: str, asked: float, *, is_granted: bool = True) -> LeaseTry:
    return LeaseTry(worker, lock_names.partition(_LOCK), asked, is_granted)


def journal(started: float, lock: str = _LOCK) -> list[Recorded]:
    job = f"job of {lock}"
    return [
        Recorded(job, 2, "Started", "", 1, 7, "worker-1", 99.0),
        Recorded(job, 3, "Interrupted", "", 1, 7, "worker-1", started),
        Recorded(job, 4, "Started", "", 2, 8, "worker-2", started),
    ]


def test_a_take_over_counts_from_the_kill_until_the_next_start() -> None:
    tries = [lease_try("worker-2", 105.0, is_granted=False), lease_try("worker-2", 115.5)]
    [taken] = take_overs([kill("worker-1", 100.0)], {_LOCK: journal(116.0)}, tries)
    assert (taken.seconds, taken.hits) == (16.0, 0)
    assert taken.tell_tries() == "worker-2 5.0 s held, worker-2 15.5 s"


def test_where_the_one_who_took_over_was_killed_too_it_counts_from_there() -> None:
    kills = [kill("worker-1", 100.0), kill("worker-2", 115.6, lock="other")]
    journals = {_LOCK: journal(131.1), "other": journal(130.0, "other")}
    tries = [lease_try("worker-2", 115.5), lease_try("worker-3", 131.0)]
    taken, _ = take_overs(kills, journals, tries)
    assert taken.seconds == pytest.approx(15.5)
    assert taken.hits == 1


@pytest.mark.parametrize(
    ("other", "what", "is_granted"),
    [
        ("worker-3", "supervisor", True),  # somebody else
        ("worker-2", "runner", True),  # whoever takes over lives on
        ("worker-2", "supervisor", False),  # had not got the lease
    ],
)
def test_no_other_kill_makes_a_late_take_over_timely(other: str, what: str, is_granted: bool) -> None:
    kills = [kill("worker-1", 100.0), kill(other, 115.6, what, lock="other")]
    journals = {_LOCK: journal(131.0), "other": journal(130.0, "other")}
    taken, _ = take_overs(kills, journals, [lease_try("worker-2", 115.5, is_granted=is_granted)])
    assert (taken.seconds, taken.hits) == (31.0, 0)


def test_a_kill_before_the_lease_was_asked_for_is_none_of_a_take_over() -> None:
    kills = [kill("worker-1", 100.0), kill("worker-2", 110.0, lock="other")]
    journals = {_LOCK: journal(121.0), "other": journal(130.0, "other")}
    taken, _ = take_overs(kills, journals, [lease_try("worker-2", 120.5)])
    assert (taken.seconds, taken.hits) == (21.0, 0)


def test_a_run_that_was_not_cut_off_is_no_take_over() -> None:
    events = [event for event in journal(116.0) if event.status != "Interrupted"]
    assert take_overs([kill("worker-1", 100.0)], {_LOCK: events}, []) == []
