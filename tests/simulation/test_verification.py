"""The checker that reads real storage finds nothing in what the simulation wrote, but what mutants wrote."""

import pytest
from tests.simulation.mutants import mutated
from tests.simulation.seeds import play
from tests.simulation.world import World
from tests.unit.verification.asking import broken
from tests.unit.verification.records import Records, told_of

from verification import Stored


def records_of(world: World) -> Records:
    """Give what the simulated stores hold, as the checker reads it."""
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
        registration = world.journal.registration(job_id)
        if registration is not None:
            records.places[job_id] = registration.partition
    records.listed = {job_id: records.places[job_id] for job_id in world.journal.active_ids}
    records.leased = set(world.leases.held())
    return records


def played(seed: int) -> Records:
    world = World(seed)
    play(world)
    world.close()
    return records_of(world)


async def test_what_the_simulation_wrote_holds() -> None:
    for seed in range(20):
        assert await broken(played(seed), tolerance_seconds=60.0) == {}, f"seed {seed}"


async def test_what_a_mutant_wrote_does_not_hold() -> None:
    with mutated("predecessor-skipped"):
        world = World(0)
        with pytest.raises(AssertionError):
            play(world)
        world.close()
    assert "I2" in await broken(records_of(world), tolerance_seconds=60.0)
