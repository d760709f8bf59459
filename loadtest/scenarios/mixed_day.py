"""A day like others."""

from random import Random

from loadtest.asked import Asked
from loadtest.scenario import Scenario

_LOCKS = 25


class MixedDay(Scenario):
    """Short and long jobs, urgent and patient ones, and some that fail.

    One in twelve takes seconds, one in ten is urgent, one in ten fails.
    """

    users = 10
    jobs = 200
    seconds = 30.0
    is_spread = True
    patience_seconds = 300.0

    def ask(self, random: Random) -> Asked:
        """Ask for a job of any sort."""
        is_long = random.random() < 1 / 12
        return Asked(
            lock=f"lock-{random.randrange(_LOCKS)}",
            steps=random.randint(3, 5) if is_long else random.randint(1, 2),
            step_seconds=random.uniform(0.3, 0.8) if is_long else random.uniform(0.0, 0.1),
            fails=random.random() < 0.1,
            priority=0 if random.random() < 0.1 else random.choice((4, 5, 5, 5, 9)),
        )
