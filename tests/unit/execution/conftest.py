"""Pools whose runners only pretend, runners whose processes only pretend, and serving without a process."""

import pytest
from tests.waiting import until


@pytest.fixture
def pretended(monkeypatch):
    """Put pretended processes in place of real ones, and return the classes of this test's own."""
    # Here, so that a product that cannot be imported fails tests instead of pytest itself.
    from tests.unit.execution import pretending  # noqa: PLC0415

    from worker.execution import pool  # noqa: PLC0415

    class Runner(pretending.PretendedRunner):
        pass

    class Supervision(pretending.PretendedSupervision):
        made = []  # noqa: RUF012 - this test's own

    monkeypatch.setattr(pool, "EnforcerWatch", pretending.PretendedEnforcer)
    monkeypatch.setattr(pool, "RunnerProcess", Runner)
    monkeypatch.setattr(pool, "Supervision", Supervision)
    monkeypatch.setattr(pool, "adopt_orphans", lambda: None)
    return Runner, Supervision


@pytest.fixture
async def runners(pretended):
    from worker.execution import RunnerPool  # noqa: PLC0415

    runners = RunnerPool(2, ["jobs"], environment={}, start_timeout_seconds=0.3)
    await runners.start()
    await until(lambda: runners.alive == 2)
    yield runners
    await runners.stop()


@pytest.fixture
async def make_runner(monkeypatch):
    """Make runners whose processes only pretend."""
    from tests.unit.execution.runner_case import Case, PretendedChild  # noqa: PLC0415

    from worker.execution import runner_process  # noqa: PLC0415

    monkeypatch.setattr(runner_process, "Child", PretendedChild)
    cases = []

    def make(*options):
        cases.append(Case(*options))
        return cases[-1]

    yield make
    for case in cases:
        if case.child.is_alive:
            case.die()
        case.child.close()
        case.table.close()


@pytest.fixture
async def case(make_runner):
    return make_runner()


@pytest.fixture
async def serve(monkeypatch):
    """Serve handlers in this process, which may have children of its own."""
    from tests.unit.execution.served import Served  # noqa: PLC0415

    from worker.execution import runner_loop  # noqa: PLC0415

    monkeypatch.setattr(runner_loop, "has_children", lambda: False)
    made = []

    def serve(*handlers, **more):
        made.append(Served(*handlers, **more))
        return made[-1]

    yield serve
    for served in made:
        served.close()


@pytest.fixture
async def supervised():
    from tests.unit.execution.supervised import Case  # noqa: PLC0415

    return Case()


class StandingClock:
    """Stands still until a test moves it."""

    now = 10.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    """The clock of rate limits."""
    from worker.execution import rate_limit  # noqa: PLC0415

    clock = StandingClock()
    monkeypatch.setattr(rate_limit, "time", clock)
    return clock
