"""What a scheduler's heartbeat says of it, over the in-memory ports."""

from datetime import timedelta

from tests.unit.scheduler.doubles import make_scheduler, serving

from coordination.maintenance.sweeper import Swept
from coordination.testing.memory import InMemoryLeases, VirtualClock
from scheduler.status import ObservedStatus
from scheduler.telemetry import SchedulerTelemetry


async def test_the_scheduler_on_duty_says_so_and_the_other_does_not() -> None:
    clock = VirtualClock()
    leases = InMemoryLeases(clock)
    first, second = make_scheduler(clock, leases), make_scheduler(clock, leases)
    began = clock.now()
    idle = {"leads": False, "swept_at": None, "repairs": 0}
    async with serving(second, clock):
        async with serving(first, clock):
            await clock.advance(20)
            second_leads = second.status.details()["leads"]
            on_duty = (second if second_leads else first).status.details()
            assert on_duty == {
                "leads": True, "swept_at": (began + timedelta(seconds=15)).isoformat(), "repairs": 0
            }  # fmt: skip
            assert (first if second_leads else second).status.details() == idle
        await clock.advance(20)
        assert second.status.details()["leads"] is True
        assert first.status.details()["leads"] is False


def test_repairs_are_counted_and_passed_on() -> None:
    clock = VirtualClock()
    telemetry = SchedulerTelemetry(clock, 15.0)
    status = ObservedStatus(telemetry, clock)
    for swept in (Swept((), 1, 2, 3), Swept((), 1)):
        status.swept(swept, 0.1)
    assert status.details() == {"leads": False, "swept_at": clock.now().isoformat(), "repairs": 7}
    status.on_duty()
    assert telemetry._is_on_duty
    status.off_duty()
    assert not telemetry._is_on_duty
