"""The checker that reads real storage finds nothing in what the simulation wrote, but what mutants wrote."""

import asyncio
import subprocess
import sys

import pytest
from tests.simulation.seeds import play
from tests.simulation.world import World
from tests.unit.verification.asking import broken
from tests.unit.verification.records import Records, told_of

from verification import Stored


def records_of(world: World) -> Records:
    """Return what the simulated stores hold, as the checker reads it."""
    records = Records()
    for partition, found in world.journal.partitions.items():
        stored = [
            Stored(partition, key, row.values, world.history.committed_at.get(key))
            for key, row in sorted(found.items())
            if not key.startswith("data|")
        ]
        records.partitions[partition] = stored
        records.told += told_of(stored)
    for job_id in world.clients.job_ids:
        registration = world.register.jobs.get(job_id)
        if registration is not None:
            records.places[job_id] = registration.partition
    records.listed = {job_id: records.places[job_id] for job_id in world.register.active_ids}
    records.leased = set(world.leases.held())
    records.derive_lists()
    return records


def played(seed: int) -> Records:
    world = World(seed)
    play(world)
    world.close()
    return records_of(world)


async def test_what_the_simulation_wrote_holds() -> None:
    for seed in range(20):
        assert await broken(played(seed), tolerance_seconds=60.0) == {}, f"seed {seed}"


def test_what_a_mutant_wrote_does_not_hold() -> None:
    # In a process of its own, where nothing has loaded the code that it changes.
    program = (
        "from tests.mutants.catalogue import MUTANTS\n"
        "from tests.mutants.switching import switch_to\n"
        "switch_to(MUTANTS['predecessor-skipped'])\n"
        "from tests.simulation.test_verification import print_what_is_broken\n"
        "print_what_is_broken(0)\n"
    )
    checked = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "I2" in checked.stdout.split()


def print_what_is_broken(seed: int) -> None:
    """Play a seed that does not hold, and print which invariants the checker finds broken."""
    world = World(seed)
    with pytest.raises(AssertionError):
        play(world)
    world.close()
    print(*asyncio.run(broken(records_of(world), tolerance_seconds=60.0)))
