"""Contention for one lock."""

from random import Random

from loadtest.asked import Asked
from loadtest.scenario import Scenario


class Contention(Scenario):
    """One lock, many publishers.

    As many submissions a second as the API takes, all for one lock, while every worker wants it.
    """

    users = 40
    jobs = 600
    seconds = 20.0
    patience_seconds = 300.0

    def ask(self, random: Random) -> Asked:
        """Ask for a job that takes no time, so that what is measured is Turnstile."""
        return Asked(lock="only")
