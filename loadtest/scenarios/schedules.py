"""Schedules."""

import time
from collections.abc import Generator
from random import Random

from contracts.policies import OnConflict
from loadtest.actions import Actions
from loadtest.asked import Asked
from loadtest.scenario import Scenario
from loadtest.schedules import Schedule, delete_all

_LOCKS = 10
#: At most so many schedules, and one for so many jobs of the users.
_MOST, _JOBS_EACH = 40, 6
#: Every so manieth schedule has this rule for a busy lock, and jobs that are longer than its interval.
_EVERY = 8
_RULES: tuple[OnConflict, ...] = ("skip", "reject", "replace-waiting")
#: Seconds between two looks at what became of all due times: a schedule remembers the latest 20.
_LOOK_SECONDS = 5.0


class Schedules(Scenario):
    """Schedules that are due every second or two, and are changed meanwhile.

    By cron and by interval, some with rules for a busy lock. A third of them is paused, resumed, changed and
    run by hand while users submit jobs of their own, and all are deleted in the end.
    """

    users = 4
    jobs = 60
    seconds = 40.0
    is_spread = True
    patience_seconds = 300.0

    def ask(self, random: Random) -> Asked:
        """Ask for a short job, under a lock that no schedule has."""
        return Asked(lock=f"lock-{random.randrange(_LOCKS)}")

    def accompany(self, actions: Actions, random: Random) -> Generator[float]:
        """Create the schedules, handle some of them, and delete all."""
        count = max(_EVERY, min(_MOST, actions.jobs // _JOBS_EACH))
        schedules = [_create(actions, number) for number in range(count)]
        handled = schedules[::3]
        looked_at = time.monotonic()
        try:
            while True:
                yield random.uniform(0.3, 0.9)
                _handle(random.choice(handled), random)
                if time.monotonic() - looked_at > _LOOK_SECONDS:
                    looked_at = time.monotonic()
                    for schedule in schedules:
                        schedule.look()
        finally:
            delete_all(schedules)


def _create(actions: Actions, number: int) -> Schedule:
    lock, place = f"schedule-{number}", number % _EVERY
    asked = Asked(lock)
    if place < len(_RULES):
        asked = Asked(lock, steps=2, step_seconds=1.2, on_conflict=_RULES[place])
    seconds = 1 if place == _EVERY - 1 else 2
    return Schedule.create(
        actions, f"{number:02d}", asked, seconds, by_cron=(number + number // _EVERY) % 2 == 0
    )


def _handle(schedule: Schedule, random: Random) -> None:
    """Do one of the things to a schedule that people do."""
    if not schedule.is_active:
        schedule.resume()
    elif random.random() < 0.4:
        schedule.pause()
    elif random.random() < 0.5 and schedule.record.asked.on_conflict == "queue":
        schedule.change()
    else:
        schedule.run()
