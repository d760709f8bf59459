"""Which due times get a job when a scheduler comes late."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.schedules import MISFIRES, Misfire
from schedules.misfires import MOST_AT_ONCE, MOST_COUNTED, MisfireRule, Plan, plan
from schedules.times import Interval, Timing, cron

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOURLY = Timing(cron("0 * * * *", "UTC"))


def hours(*counts: float) -> list[datetime]:
    return [NOON + timedelta(hours=count) for count in counts]


def planned(
    rule: MisfireRule, late: timedelta, timing: Timing = HOURLY, watched: timedelta | None = None
) -> Plan:
    """Plan so long behind noon, which is due, by a scheduler that was there for so long."""
    now = NOON + late
    return plan(timing, NOON, now, now - (watched or timedelta()), rule)


@pytest.mark.parametrize("rule", MISFIRES)
@pytest.mark.parametrize("late", [0, 1, 60])
def test_what_is_on_time_fires_whatever_the_rule(rule: Misfire, late: int) -> None:
    made = planned(MisfireRule(rule), timedelta(seconds=late))
    assert made == Plan([NOON], 0, None, *hours(1))


@pytest.mark.parametrize(
    ("rule", "fire", "missed", "last_missed"),
    [
        (MisfireRule("skip"), [], 4, 3),
        (MisfireRule("once"), [3], 3, 2),
        (MisfireRule("all", 2), [2, 3], 2, 1),
        (MisfireRule("all", 4), [0, 1, 2, 3], 0, None),
        (MisfireRule("all", 100), [0, 1, 2, 3], 0, None),
    ],
)
def test_what_was_missed_goes_by_the_rule(
    rule: MisfireRule, fire: list[int], missed: int, last_missed: int | None
) -> None:
    made = planned(rule, timedelta(hours=3, minutes=30))
    assert made.fire == hours(*fire)
    assert made.missed == missed
    assert made.last_missed == (None if last_missed is None else hours(last_missed)[0])
    assert [made.next_due] == hours(4)


def test_what_is_on_time_fires_in_addition_to_what_is_made_up_for() -> None:
    made = planned(MisfireRule("once"), timedelta(hours=2, seconds=30))
    assert made == Plan(hours(1, 2), 1, NOON, *hours(3))
    made = planned(MisfireRule("skip"), timedelta(hours=2, seconds=30))
    assert made == Plan(hours(2), 2, *hours(1, 3))


def test_it_is_missed_when_it_is_later_than_that_and_not_when_it_is_just_as_late() -> None:
    rule = MisfireRule("skip", after=30)
    assert planned(rule, timedelta(seconds=30)).missed == 0
    assert planned(rule, timedelta(seconds=30, microseconds=1)).missed == 1


def test_nothing_is_missed_while_a_scheduler_is_there() -> None:
    late = timedelta(hours=2, minutes=30)
    made = planned(MisfireRule("skip"), late, watched=late)
    assert made == Plan(hours(0, 1, 2), 0, None, *hours(3))
    made = planned(MisfireRule("skip"), late, watched=timedelta(hours=1, minutes=29))
    # It came behind the due time at one o'clock, within the minute that counts as on time.
    assert made == Plan(hours(1, 2), 1, NOON, *hours(3))


def test_many_are_decided_some_at_a_time_and_each_once() -> None:
    timing = Timing(Interval(1, NOON))
    fired: list[datetime] = []
    due_at, now = NOON, NOON + timedelta(seconds=50)
    while due_at <= now:
        made = plan(timing, due_at, now, now, MisfireRule("all"))
        assert len(made.fire) <= MOST_AT_ONCE
        fired += made.fire
        assert made.next_due is not None
        due_at = made.next_due
    assert fired == [NOON + timedelta(seconds=second) for second in range(51)]


def test_many_are_made_up_for_some_at_a_time_and_each_once() -> None:
    fired: list[datetime] = []
    missed, due_at, now = 0, NOON, NOON + timedelta(hours=200, minutes=30)
    while due_at <= now:
        made = plan(HOURLY, due_at, now, now, MisfireRule("all", 50))
        fired += made.fire
        missed += made.missed
        assert made.next_due is not None
        due_at = made.next_due
    assert fired == hours(*range(151, 201))
    assert missed == 151


def test_years_of_missed_due_times_cost_little() -> None:
    made = planned(MisfireRule("once"), timedelta(days=2000), Timing(cron("* * * * * *", "Europe/Berlin")))
    assert made.missed == MOST_COUNTED
    assert len(made.fire) == MOST_AT_ONCE
    assert made.fire[0] == NOON + timedelta(days=2000, seconds=-61)


def test_the_last_due_time_leaves_none_behind_it() -> None:
    timing = Timing(cron("0 * * * *", "UTC"), end=NOON)
    for late in (timedelta(seconds=5), timedelta(days=1)):
        assert planned(MisfireRule("once"), late, timing) == Plan([NOON], 0, None, None)
    assert planned(MisfireRule("skip"), timedelta(days=1), timing) == Plan([], 1, NOON, None)


def test_a_due_time_that_the_pattern_does_not_know_any_more_counts_all_the_same() -> None:
    # The zone's rules changed after it was written down.
    timing = Timing(cron("30 * * * *", "UTC"))
    assert planned(MisfireRule("once"), timedelta(seconds=5), timing).fire == [NOON]
    late = timedelta(minutes=10)
    assert planned(MisfireRule("once"), late, timing).fire == [NOON]
    assert planned(MisfireRule("skip"), late, timing).missed == 1
