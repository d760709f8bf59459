"""What an audit-projector's heartbeat says of it."""

import asyncio

from tests.unit.audit_projector.doubles import World
from tests.unit.audit_projector.test_handling import ScriptedProjection, about, make_handler, message

from audit_projector.observations import EventsProjected, Observation
from audit_projector.status import ProjectionStatus
from coordination.clock import VirtualClock


async def test_the_delay_of_the_last_event_counts_until_nothing_new_came_for_a_while() -> None:
    world = World(clock=VirtualClock())
    await world.project(await world.submit())
    (projected,) = [seen for seen in world.observed if isinstance(seen, EventsProjected)]
    passed_on: list[Observation] = []
    status = ProjectionStatus(passed_on.append, world.clock)
    assert status.details(0.0) == {"behind_seconds": 0.0, "projected_at": None}
    await world.clock.advance(7.5)
    status.observe(projected)
    projected_at = world.clock.now().isoformat()
    assert status.details(0.0) == {"behind_seconds": 7.5, "projected_at": projected_at}
    assert status.details(8.0) == {"behind_seconds": 8.0, "projected_at": projected_at}
    await world.clock.advance(21)
    assert status.details(0.0) == {"behind_seconds": 0.0, "projected_at": projected_at}
    assert passed_on == [projected]


async def test_a_message_that_waits_for_the_storage_makes_the_projector_late() -> None:
    clock = VirtualClock()
    handler = make_handler(ScriptedProjection(failures=1_000), clock)
    assert handler.oldest_seconds() == 0
    handling = asyncio.create_task(handler.on_events(message(about())))
    await clock.advance(40)
    later = asyncio.create_task(handler.on_events(message(about(first=2))))
    await clock.advance(5)
    assert handler.oldest_seconds() == 45
    handling.cancel()
    later.cancel()
    await asyncio.gather(handling, later, return_exceptions=True)
    assert handler.oldest_seconds() == 0
