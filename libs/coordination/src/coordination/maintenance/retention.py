"""Use case: let jobs go whose time is over, a portion at a time, so that a store stays as large as it is.

The register has when something of each job that has ended may go (`DueRemoval`): so a look costs what is due,
not what there is. What may go, the job's row says: the job itself, with what lists show of it; later its
audit trail; and at last the small row, when no submission with its id can come any more
(`coordination.maintenance.due_jobs`).
"""

import math
from dataclasses import dataclass
from itertools import groupby

from coordination.maintenance.due_jobs import LockPortion, RetentionStores, Went
from coordination.maintenance.removing import RemovedElsewhereError, Removing
from coordination.ports import NewId, random_id
from coordination.retention_times import RetentionTimes

#: Who removes jobs whose time is over, for the mark.
ACTOR = "scheduler"


@dataclass(frozen=True)
class RetentionPace:
    """How much is removed when, in seconds."""

    #: Between two looks, once nothing more was due: each costs a request for each shard of the register.
    pause: float = 600.0
    #: For one portion, as all else that its process does waits for it; the lock in hand is seen to its end.
    portion: float = 0.5
    #: Removals that one portion reads, at least.
    most: int = 160
    #: Removals of one lock that are carried out together.
    of_lock: int = 32
    #: For which a transaction of unknown outcome is sent again.
    patience: float = 10.0


_AS_USUAL = RetentionPace()


class Retention:
    """Lets jobs go. Two at the same time do no harm."""

    def __init__(
        self,
        stores: RetentionStores,
        times: RetentionTimes,
        pace: RetentionPace = _AS_USUAL,
        new_id: NewId = random_id,
    ) -> None:
        self._stores = stores
        self._times = times
        self._pace = pace
        clock, rows = stores.clock, stores.projected_rows
        self._removing = Removing(stores.journal, clock, rows, ACTOR, patience=pace.patience, new_id=new_id)
        self._next = -math.inf

    async def go(self) -> Went | None:
        """Carry out a portion of what is due; None when it is not time to look yet.

        Raises UnknownOutcomeError; the next call goes on.
        """
        clock, pace = self._stores.clock, self._pace
        began = clock.boot()
        if began < self._next:
            return None
        due = await self._stores.register.due_removals(clock.now(), pace.most)
        went, is_all = Went(), len(due) < pace.most
        by_lock = sorted(due, key=lambda removal: (removal.partition, removal.at, removal.job_id))
        for partition, of_lock in groupby(by_lock, key=lambda removal: removal.partition):
            left = list(of_lock)
            while left and clock.boot() - began <= pace.portion:
                some, left = left[: pace.of_lock], left[pace.of_lock :]
                portion = LockPortion(self._stores, self._removing, self._times, partition, went)
                try:
                    await portion.carry_out(some)
                except RemovedElsewhereError:
                    went.elsewhere += len(some)
            is_all = is_all and not left
        self._next = began + pace.pause if is_all else -math.inf
        return went
