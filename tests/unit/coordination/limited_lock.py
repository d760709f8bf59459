"""Lock L with a limit: its slots, and who holds them."""

from tests.unit.coordination.setting import Setting

from contracts import lock_names
from coordination.clients.limits import LimitSetter
from coordination.holder.policy import HolderSettings
from coordination.holder.tenure import Tenure
from coordination.journal import rows
from coordination.journal.rows import LockRow
from coordination.slot import Slot

PARTITION = lock_names.partition("L")


async def limit(world: Setting, limit: int) -> None:
    """Set the limit of lock L, and lose the wake-up."""
    await LimitSetter(world.journal, world.notifier, world.clock).set("L", limit, "ann")
    world.notifier.take_wake_ups()


def tenure(world: Setting, number: int, worker: str = "w1") -> Tenure:
    settings = HolderSettings(worker, world.times)
    return Tenure(Slot("L", number), world.ports, settings, world.observed.append)


async def held(world: Setting, number: int, worker: str = "w1") -> Tenure:
    """Acquire a slot and start the job whose turn it is."""
    made = tenure(world, number, worker)
    await made.keeper.acquire()
    assert await made.take_over(lambda _: True) is not None
    return made


def row_of(world: Setting, number: int) -> LockRow:
    return LockRow.from_row(world.journal.partitions[PARTITION][rows.lock_key(number)])
