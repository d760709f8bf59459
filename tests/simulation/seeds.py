"""Playing seeds: each is a world with its troubles, from the first submission to the last check."""

from tests.simulation.nemesis import Nemesis
from tests.simulation.world import World


def play(world: World) -> None:
    """Let everything happen, then see that everything ended well. Raises Violation."""
    nemesis = Nemesis(world)
    with world.active():
        world.clients.plan()
        nemesis.plan()
    ends = world.loop.time() + world.setting.troubled
    while world.loop.time() < ends:
        world.advance(min(2.0, ends - world.loop.time()))
    nemesis.end()
    world.run_until_done()
