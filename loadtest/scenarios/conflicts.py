"""Rules for a busy lock."""

from random import Random

from contracts.policies import OnConflict
from loadtest.asked import Asked
from loadtest.scenario import Scenario

_LOCKS = 3
_POLICIES: tuple[OnConflict, ...] = ("queue", "reject", "skip", "replace-waiting", "cancel-running")


class Conflicts(Scenario):
    """Submissions that wait, give way, or take the place of others.

    Each has another `on_conflict`, and the three locks are busy most of the time.
    """

    users = 8
    jobs = 300
    seconds = 30.0
    is_spread = True
    patience_seconds = 300.0

    def ask(self, random: Random) -> Asked:
        """Ask for a job of three steps with any rule."""
        return Asked(
            lock=f"lock-{random.randrange(_LOCKS)}",
            steps=3,
            step_seconds=random.uniform(0.05, 0.2),
            on_conflict=random.choice(_POLICIES),
        )
