"""A worker that is told to stop does not wait for a broker that does not answer, once for each lock."""

import asyncio

from tests.unit.coordination.small_world import Script, World

from coordination.ports import Ring


async def test_a_stopping_worker_rings_for_all_the_locks_it_watched_at_once() -> None:
    world = World(seed=11, workers=2)
    holder, watcher = world.workers
    for lock in ("L", "M"):
        await world.submit(lock, Script(steps=3, seconds=5))
    for ring in world.bell.take_rings():
        await holder.answer(ring)
        await watcher.answer(Ring(ring.lock_name))
    rung: list[str] = []

    async def wait_until_all_have_rung(ring: Ring) -> None:
        rung.append(ring.lock_name)
        while len(rung) < 2:  # noqa: ASYNC110 - what is waited for happens elsewhere
            await asyncio.sleep(0)

    world.bell.ring = wait_until_all_have_rung  # type: ignore[method-assign]
    async with asyncio.timeout(5):
        await watcher.stop(0.0)
    assert sorted(rung) == ["L", "M"]
    await world.close()
