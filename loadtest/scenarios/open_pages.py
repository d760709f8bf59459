"""Contention while many people keep the dashboard open."""

from random import Random

from loadtest.asked import Asked
from loadtest.scenario import Scenario


class OpenPages(Scenario):
    """Contention, while the dashboard is open in many windows.

    One lock that every worker wants, and viewers of Overview, Jobs, Locks and Workers. What the dashboard
    asks of the storage does not grow with their number.
    """

    users = 10
    jobs = 300
    seconds = 30.0
    viewers = 12

    def ask(self, random: Random) -> Asked:
        """Ask for a job that takes no time, so that what is measured is Turnstile."""
        return Asked(lock="only")
