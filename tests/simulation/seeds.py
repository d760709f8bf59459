"""Playing seeds: each is a world with its troubles, from the first submission to the last check."""

import gc
import hashlib
import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.simulation.judges.lives import KILLED, LOST
from tests.simulation.nemesis import Nemesis
from tests.simulation.network import TooManyCallsError
from tests.simulation.setting import STRIKES
from tests.simulation.trials import TRIALS, Trial
from tests.simulation.world import World

#: Every kind of trouble; one that never happened has tested nothing.
KINDS = (
    *STRIKES,
    "delay",
    "drop_before",
    "drop_after",
    "late",
    "duplicate",
    "call during outage",
    "announcement lost",
    "wake-up lost",
    "wake-up redelivered",
    "wake-up out of order",
    "wake-up of a dead consumer",
    "same id twice at once",
    "same id, other content",
    "host lost to its job",
    "killed its worker too often",
    "lost its worker too often",
    "attempt failed",
    "cancelled before the next attempt",
    "passed before the next attempt",
    "passed, and it holds its place",
    "submission repeated",
    "cancelled with a reason",
    "stopped in good order",
    "enforcer",
    "stale effect refused",
    "stale write refused",
    "limit raised",
    "limit lowered",
    "ran in another slot",
    "ran on above the limit",
    "cut off above the limit",
    *TRIALS,
)


@dataclass
class Tally:
    """What seeds came to."""

    seeds: int = 0
    jobs: int = 0
    runs: int = 0
    injected: Counter[str] = field(default_factory=Counter)
    #: What was violated, by seed.
    failures: dict[int, str] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        """Take in another tally."""
        self.seeds += other.seeds
        self.jobs += other.jobs
        self.runs += other.runs
        self.injected += other.injected
        self.failures |= other.failures

    @property
    def missing(self) -> list[str]:
        """Name the kinds of trouble that never happened."""
        return [kind for kind in KINDS if not self.injected[kind]]


def silence_projectors() -> None:
    """Log nothing of projectors: that the storage is away is all that they ever log."""
    logging.getLogger("audit_projector.handling").setLevel(logging.CRITICAL)


def play(world: World) -> None:
    """Let everything happen, then see that everything ended well. Raises Violation."""
    nemesis = Nemesis(world)
    world.clients.plan()
    world.limiters.plan()
    nemesis.plan()
    ends = world.loop.time() + world.setting.troubled
    while world.loop.time() < ends:
        world.advance(min(2.0, ends - world.loop.time()))
    nemesis.end()
    world.run_until_done()
    if world.seed % 2 == 0:
        Trial(world).play()


def what_breaks(seed: int) -> str:
    """Play a seed and say which promise it breaks; empty when it breaks none, or crashes."""
    world = World(seed)
    try:
        play(world)
    except AssertionError as error:
        # A crash breaks no promise; one that asks for ever does, as its job never ends.
        is_crash = str(error).startswith("I0") and TooManyCallsError.__name__ not in str(error)
        return "" if is_crash else str(error)
    finally:
        world.close()
    return ""


def play_seeds(seeds: Iterable[int]) -> Tally:
    """Play seeds one after the other, and count."""
    tally = Tally()
    gc.disable()
    try:
        for seed in seeds:
            world = World(seed)
            try:
                play(world)
            except AssertionError as error:
                tally.failures[seed] = str(error)
            world.close()
            count(world, tally)
            if tally.seeds % 10 == 0:
                gc.collect()
    finally:
        gc.enable()
    return tally


def count(world: World, tally: Tally) -> None:
    """Add what happened in a world."""
    tally.seeds += 1
    tally.jobs += world.history.counts["Submitted"]
    tally.runs += world.history.counts["Started"]
    tally.injected += world.injected
    tally.injected["killed its worker too often"] += world.panel.lives.limits[KILLED]
    tally.injected["lost its worker too often"] += world.panel.lives.limits[LOST]
    tally.injected["attempt failed"] += world.history.counts["AttemptFailed"]
    tally.injected["cancelled before the next attempt"] += world.panel.lives.cancelled_before_due
    tally.injected["passed before the next attempt"] += world.panel.order.passed
    tally.injected["passed, and it holds its place"] += world.panel.order.passed_held
    tally.injected["cancelled with a reason"] += world.panel.callers.reasons
    tally.injected.update(world.history.slots)
    tally.injected["stale effect refused"] += world.effects.refused
    tally.injected["stale write refused"] += world.observed["Fenced taken_over"]


def trace_hash(world: World) -> str:
    """Return one number for everything that happened, in order."""
    digest = hashlib.sha256()
    for line in world.network.trace:
        digest.update(repr(line).encode())
    return digest.hexdigest()
