"""How much of everything: small for every change, full before a release."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Counts and seconds of all cases."""

    #: Kills, and the jobs that come in during them.
    kills: int
    killed_jobs: int
    #: By how much a take-over may take longer than promised, where other tests need the processors, too.
    slack: float
    #: Processes frozen, and how many at the same time.
    pauses: int
    pauses_at_once: int
    #: Longest pause, in lengths of a lease.
    longest_pause: float
    #: Writes and effects refused to runs that woke up too late, together, at least.
    refusals: int
    #: Lost answers of each kind of write.
    lost_answers: int
    #: Cuts, freezes and delays of connections, and the longest, in seconds.
    cuts: int
    longest_cut: float
    #: Seconds in which the storage refuses some requests, and all of them.
    storm: float
    blackout: float
    #: Kills of the storage.
    storage_kills: int
    #: Kills, orderly restarts and purges of the broker.
    broker_faults: int
    #: Seconds for which the broker is away, in all.
    broker_away: float
    #: Kills of projector and scheduler, each.
    bystander_kills: int
    #: Moves of the scheduler's clock.
    clock_moves: int


SMALL = Sizes(
    kills=60,
    killed_jobs=400,
    slack=1.0,
    pauses=20,
    pauses_at_once=6,
    longest_pause=1.8,
    refusals=1,
    lost_answers=20,
    cuts=16,
    longest_cut=4.0,
    storm=6.0,
    blackout=5.0,
    storage_kills=10,
    broker_faults=1,
    broker_away=60.0,
    bystander_kills=2,
    clock_moves=2,
)

FULL = Sizes(
    kills=1000,
    killed_jobs=5000,
    slack=1.0,
    pauses=300,
    pauses_at_once=5,
    longest_pause=3.0,
    refusals=50,
    lost_answers=200,
    cuts=120,
    longest_cut=60.0,
    storm=300.0,
    blackout=30.0,
    storage_kills=100,
    broker_faults=20,
    broker_away=3600.0,
    bystander_kills=20,
    clock_moves=20,
)

#: For the tests: each nemesis appears.
TINY = Sizes(
    kills=6,
    killed_jobs=40,
    # Other tests keep the machine busy.
    slack=3.0,
    pauses=4,
    # Of four workers: one has to be there to take over.
    pauses_at_once=3,
    longest_pause=1.6,
    # So few pauses may cause none: half of them are surely long, and half of those wake the runner in time.
    # tests/e2e/test_pauses.py causes one for sure.
    refusals=0,
    lost_answers=2,
    cuts=6,
    longest_cut=3.0,
    storm=3.0,
    blackout=3.0,
    storage_kills=2,
    broker_faults=1,
    broker_away=24.0,
    bystander_kills=1,
    clock_moves=2,
)
