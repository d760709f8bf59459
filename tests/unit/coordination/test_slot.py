"""A slot has a lease and a lock row of its own, and shares the partition of its lock."""

from contracts import lock_names
from coordination.journal import rows
from coordination.slot import Slot


def test_the_first_slot_has_the_names_under_which_every_lock_is_stored() -> None:
    slot = Slot("Ledger")
    partition = lock_names.partition("Ledger")
    # Changing these would lose every lock's fence.
    assert (slot.partition, slot.lease_name, slot.lock_key) == (partition, partition, "line|lock|00")


def test_slots_of_a_lock_share_its_partition_and_nothing_else() -> None:
    slots = [Slot("Ledger", number) for number in (0, 1, 12)]
    assert {slot.partition for slot in slots} == {lock_names.partition("Ledger")}
    assert len({slot.lease_name for slot in slots}) == len(slots)
    keys = [slot.lock_key for slot in slots]
    assert keys == ["line|lock|00", "slot|01", "slot|12"]
    # In the line earlier releases know slot 0 and the tickets, and would take another row for a ticket.
    assert [key.startswith(rows.LINE) for key in keys] == [True, False, False]
    assert [str(slot) for slot in slots] == ["Ledger", "Ledger (slot 1)", "Ledger (slot 12)"]
