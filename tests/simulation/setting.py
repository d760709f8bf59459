"""What a seed stands for: how many take part, what they do, and what goes wrong how often."""

import random
from dataclasses import dataclass, field

from tests.simulation.broker import BrokerFaults
from tests.simulation.network import CallFaults

#: What strikes from outside, as against what happens to single calls and messages.
STRIKES = (
    "worker killed",
    "killed while taking over",
    "paused while repeating",
    "worker stopped",
    "runner killed",
    "supervisor paused",
    "runner paused",
    "host paused",
    "lease ended early",
    "tables away",
    "blobs away",
    "blobs slow, then away",
    "broker away",
    "wake-ups purged",
    "scheduler killed",
    "scheduler paused",
    "publisher killed",
    "publisher killed while submitting",
    "projector killed",
    "projector paused",
)


@dataclass
class Setting:
    """One world's size and troubles. Times are in seconds."""

    workers: int = 3
    capacity: int = 2
    locks: int = 2
    jobs: int = 20
    lease: float = 15.0
    #: Jobs are submitted, and trouble strikes, during so long.
    troubled: float = 60.0
    cancellations: int = 2
    #: Whether locks may get limits.
    limits: bool = True
    #: Seconds by which times of day differ at most.
    skew: float = 0.0
    renews_after_expiry: bool = False
    #: Projectors, which keep the read models by their own code; with none there is a counter for each job.
    projectors: int = 0
    calls: CallFaults = field(default_factory=CallFaults)
    messages: BrokerFaults = field(default_factory=BrokerFaults)
    #: How often what strikes, relative to each other; none, and nothing does.
    strikes: dict[str, float] = field(default_factory=dict)
    #: Between two strikes, on average.
    pause: float = 8.0

    @classmethod
    def drawn(cls, randomness: random.Random) -> "Setting":
        """Draw a setting; each trouble is there in some and absent in others, so that none hides another."""
        draw, often = randomness.uniform, randomness.choice
        lease = often([15.0, 15.0, 15.0, 30.0])

        def sometimes(likelihood: float, low: float, high: float) -> float:
            return draw(low, high) if randomness.random() < likelihood else 0.0

        return cls(
            workers=randomness.randint(2, 4),
            capacity=randomness.randint(1, 3),
            locks=randomness.randint(1, 4),
            jobs=randomness.randint(12, 26),
            lease=lease,
            troubled=draw(40.0, 100.0) * (lease / 15.0) ** 0.5,
            cancellations=randomness.randint(0, 6),
            skew=sometimes(0.3, 0.0, 20.0),
            renews_after_expiry=randomness.random() < 0.5,
            projectors=randomness.choice([1, 1, 2]) if randomness.random() < 0.15 else 0,
            calls=CallFaults(
                delay=sometimes(0.5, 0.01, 0.15),
                drop_before=sometimes(0.5, 0.005, 0.08),
                drop_after=sometimes(0.6, 0.005, 0.08),
                late=sometimes(0.5, 0.002, 0.03),
                duplicate=sometimes(0.5, 0.002, 0.05),
            ),
            messages=BrokerFaults(
                lose=sometimes(0.5, 0.01, 0.4),
                redeliver=sometimes(0.5, 0.01, 0.2),
                shuffle=sometimes(0.5, 0.1, 0.9),
            ),
            strikes={name: draw(0.2, 1.0) for name in STRIKES if randomness.random() < 0.4},
            pause=draw(3.0, 15.0),
        )
