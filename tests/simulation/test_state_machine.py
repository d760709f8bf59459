"""Hypothesis drives the same world: it chooses what happens next, and shortens what it finds."""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.simulation.broker import BrokerFaults
from tests.simulation.nemesis import Nemesis
from tests.simulation.network import CallFaults
from tests.simulation.runners import Script
from tests.simulation.setting import STRIKES, Setting
from tests.simulation.world import World


class Turnstile(RuleBasedStateMachine):
    """One world, in which something is done, then time passes, again and again."""

    @initialize(seed=st.integers(0, 2**32), locks=st.integers(1, 3), workers=st.integers(1, 3))
    def begin(self, seed: int, locks: int, workers: int) -> None:
        setting = Setting(
            workers=workers,
            locks=locks,
            calls=CallFaults(0.03, 0.02, 0.02, 0.01, 0.02),
            messages=BrokerFaults(0.05, 0.05, 0.3),
        )
        self.world = World(seed, setting)
        self.nemesis = Nemesis(self.world)

    def _do(self, action: Any, *arguments: Any, **more: Any) -> None:
        action(*arguments, **more)

    @rule(lock=st.integers(0, 2), steps=st.integers(0, 5), seconds=st.sampled_from([0.1, 1.0, 4.0]))
    def submit(self, lock: int, steps: int, seconds: float) -> None:
        script = Script(steps=steps, seconds=seconds)
        self._do(self.world.clients.submit, script, lock % self.world.setting.locks)

    @precondition(lambda self: self.world.clients.job_ids)
    @rule(number=st.integers(0, 1000))
    def cancel(self, number: int) -> None:
        jobs = self.world.clients.job_ids
        self._do(self.world.clients.cancel, jobs[number % len(jobs)])

    @rule()
    def redeliver(self) -> None:
        self._do(self.world.broker.redeliver)

    @rule()
    def drop(self) -> None:
        self._do(self.world.broker.drop)

    @rule(kind=st.sampled_from(STRIKES))
    def strike(self, kind: str) -> None:
        self._do(self.nemesis.strike, kind)

    @rule()
    def resume(self) -> None:
        self._do(self.nemesis.resume)

    @rule()
    def sweep(self) -> None:
        for scheduler in self.world.schedulers:
            scheduler.process.spawn(scheduler.go())

    @rule(seconds=st.sampled_from([0.005, 0.1, 1.0, 5.0, 16.0, 40.0]))
    def advance(self, seconds: float) -> None:
        self.world.advance(seconds)

    @invariant()
    def nothing_is_violated(self) -> None:
        if hasattr(self, "world"):
            self.world.check()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self._do(self.nemesis.end)
            self.world.run_until_done()
            self.world.close()


# A failure is made smaller for minutes before it is shown.
TestTurnstile = pytest.mark.timeout(900)(Turnstile.TestCase)
# HYPOTHESIS_EXAMPLES=500 HYPOTHESIS_STEPS=60 is the size for a night.
TestTurnstile.settings = settings(
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "150")),
    stateful_step_count=int(os.environ.get("HYPOTHESIS_STEPS", "40")),
    deadline=None,
    database=None,
    derandomize="HYPOTHESIS_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
