"""Setting how many jobs of a lock may run at the same time."""

from dataclasses import dataclass

from contracts.policies import MOST_SLOTS
from coordination.journal import events
from coordination.journal.events import Writer
from coordination.journal.limits import LimitRecord, build_limit, read_limit, record_key
from coordination.journal.persistence import commit_until, is_own, until_known
from coordination.ports import (
    Clock,
    CoordinationError,
    Journal,
    NewId,
    Notifier,
    RefusedError,
    UnknownOutcomeError,
    WakeUp,
    random_id,
)
from coordination.slot import Slot


class LimitOutOfRangeError(CoordinationError):
    """The limit is not a number of slots that a lock can have."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"limit must be from 1 to {MOST_SLOTS}, not {limit}")


@dataclass(frozen=True)
class LimitSet:
    """The limit of a lock as it is now, and the record of the change; None where it was that already."""

    limit: int
    record: LimitRecord | None


@dataclass(frozen=True)
class LimitSetter:
    """Sets the limits of locks.

    Args:
        journal: Where locks are.
        notifier: Notifies the workers of a lock that has got more slots.
        clock: Time of this process.
        call_timeout: Seconds for one storage call.
        patience: Seconds for a whole change.
        new_id: Where the marks of transactions come from.
    """

    journal: Journal
    notifier: Notifier
    clock: Clock
    call_timeout: float = 2.0
    patience: float = 8.0
    new_id: NewId = random_id

    async def set(self, lock_name: str, limit: int, actor: str, reason: str = "") -> LimitSet:
        """Set how many jobs of a lock may run at the same time, from 1 to 64; its name is normalised already.

        A lower limit ends nothing: jobs that run in slots above it run on, and no more are started there.
        Setting the limit that a lock has changes and records nothing. Raises LimitOutOfRangeError,
        WrongLockError, or UnknownOutcomeError when the storage does not answer or holders write the rows of
        the lock all the time: then the same call may be repeated.
        """
        if not 1 <= limit <= MOST_SLOTS:
            raise LimitOutOfRangeError(limit)
        until = self.clock.boot() + self.patience
        while self.clock.boot() < until:
            found = await until_known(self.clock, lambda: read_limit(self.journal, lock_name), until)
            if found.limit == limit:
                return LimitSet(limit, None)
            writer = Writer(actor, self.new_id().hex, events.timestamp(self.clock.now()))
            record, transaction = build_limit(found, limit, writer, reason)
            partition = Slot(lock_name).partition
            try:
                await commit_until(self.journal, self.clock, partition, transaction, self.call_timeout, until)
            except RefusedError:
                key = record_key(record.number)
                if not await is_own(self.journal, self.clock, partition, key, writer.op_id, until):
                    continue
            if record.limit > record.previous:
                await self.notifier.notify(WakeUp(lock_name, released=True, slots=limit))
            return LimitSet(limit, record)
        raise UnknownOutcomeError("holders keep changing the lock's rows; set the limit again")
