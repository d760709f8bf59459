"""Nothing to do."""

import time

from bench.contestant import Contestant, Installation
from bench.figures import Turn
from bench.probe import Probe
from bench.workload import Size


class Idle:
    """A time in which no job waits or runs."""

    name = "idle"
    title = "Nothing to do"
    unit = "second"
    about = (
        "No job waits or runs. The rate is that of requests to the store by the whole system: lower is "
        "better here."
    )
    jobs = 60
    history = 0
    is_large = False
    locks: tuple[str, ...] = ("ledger",)

    def suits(self, contestant: Contestant) -> bool:
        """Return whether a contestant can do it."""
        return not contestant.is_floor

    def measure(self, installation: Installation, size: Size) -> Turn:
        """Watch it for as many seconds as the size has jobs. Raises BenchError."""
        probe = Probe(installation.roots(), installation.requests)
        time.sleep(size.jobs)
        probe.stop()
        installation.refuse_ended()
        return Turn(
            size.jobs,
            sum(probe.requests.values()) / size.jobs,
            processor=probe.processor,
            requests=probe.requests,
            memory=probe.memory,
        )
