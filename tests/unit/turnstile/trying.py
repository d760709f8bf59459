"""Handlers that are tried: one attempt each, over a channel that the test looks into."""

from concurrent.futures import Future

from pydantic import BaseModel

from turnstile import job
from turnstile.testing import InMemoryChannel, run_job


class Position(BaseModel):
    at: int


def run(body, channel, **attempt):
    """Run one attempt of a function as the handler of a kind."""
    return run_job(job("tried")(body), channel=channel, **attempt)


class UnansweredChannel(InMemoryChannel):
    """Keeps nothing by itself: the test answers each step and each state that is sent."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def record_step(self, step):
        self.asked.append((step, Future()))
        return self.asked[-1][1]

    def save_state(self, state):
        self.asked.append((state, Future()))
        return self.asked[-1][1]
