"""Slots of a lock with a limit that have work and no holder, as the sweeper looks for them."""

from collections.abc import Sequence
from dataclasses import dataclass

from coordination.journal.limits import SlotRow, read_slots
from coordination.journal.line import Line
from coordination.maintenance.free_leases import FreeLeases
from coordination.ports import Journal, Leases


@dataclass(frozen=True)
class IdleSlots:
    """What there is to do in slots without a holder."""

    #: The jobs whose runs were cut off there.
    cut_off: Sequence[str]
    #: Whether a job waits that may be started there.
    has_room: bool
    #: Changes with every start in one of them.
    fences: int
    #: Whether some of them, with or without a holder, name a run.
    are_in_use: bool


async def find_idle_slots(journal: Journal, leases: Leases, line: Line, timeout: float) -> IdleSlots:
    """Look at all slots of a lock but slot 0; `line` is the line as slot 0 sees it.

    Raises UnknownOutcomeError.
    """
    slots = await read_slots(journal, line.slot.lock_name)
    # Rule S7 (spec/slots.pml): a closed slot whose row names a run has work, too.
    due = [each for each in slots if each.lock.job_id or (each.is_idle and line.has_room_in(each.slot))]
    free = await FreeLeases.among(leases, [each.slot.lease_name for each in due], timeout)
    without_holder: list[SlotRow] = [each for each in due if await free.has(each.slot.lease_name)]
    return IdleSlots(
        [each.lock.job_id for each in without_holder if each.lock.job_id],
        any(each.is_idle for each in without_holder),
        sum(each.lock.fence for each in slots),
        any(each.lock.job_id for each in slots),
    )
