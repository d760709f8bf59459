"""The times of a lease: when to renew, when to stop, when to kill.

All are counted from a boot-time clock read before the acquire or renew was sent, so that a slow answer can
never stretch a lease beyond what the store granted.
"""

from dataclasses import dataclass

_TABLE = {
    # The lease duration, then renew_every, call_timeout, soft and hard.
    15.0: (4.0, 1.5, 9.0, 12.0),
    30.0: (7.0, 2.0, 20.0, 25.0),
    60.0: (10.0, 3.0, 40.0, 50.0),
}


@dataclass(frozen=True)
class LeaseTimes:
    """Times in seconds, derived from the lease's duration.

    Raises ValueError when they are not in order: a run must be asked to stop, and then killed, before its
    lease can run out.
    """

    duration: float
    #: Between two renewals.
    renew_every: float
    #: For one call to the lease store.
    call_timeout: float
    #: After this the job is cancelled and no more transactions are sent.
    soft: float
    #: After this the runner is killed.
    hard: float
    #: How long a transaction may stay unknown before the tables count as cut off.
    journal_deadline: float = 20.0

    def __post_init__(self) -> None:
        if not 15 <= self.duration <= 60:
            raise ValueError("the lease duration must be between 15 and 60 seconds")
        if not 0 < self.renew_every + self.call_timeout < self.soft < self.hard < self.duration:
            raise ValueError("needs renew_every + call_timeout < soft < hard < duration")

    @classmethod
    def of(cls, duration: float) -> "LeaseTimes":
        """Return the tested times for a duration of 15, 30 or 60 seconds, and times in between for others."""
        if not 15 <= duration <= 60:
            raise ValueError("the lease duration must be between 15 and 60 seconds")
        low = max(known for known in _TABLE if known <= duration)
        high = min(known for known in _TABLE if known >= duration)
        share = 0.0 if high == low else (duration - low) / (high - low)
        renew, timeout, soft, hard = (
            a + (b - a) * share for a, b in zip(_TABLE[low], _TABLE[high], strict=True)
        )
        return cls(duration, renew, timeout, soft, hard)
