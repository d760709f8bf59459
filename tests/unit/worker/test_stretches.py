"""A long run is told while it lasts, in pieces that say how far it is."""

import asyncio
import time
from collections.abc import Callable

import pytest
from opentelemetry.trace import StatusCode
from tests.unit.captured import Captured
from tests.unit.worker.conftest import new_traceparent
from tests.unit.worker.observed import LOCK, Observed, job, run_of

from contracts.telemetry import attributes as at
from contracts.telemetry import spans
from coordination import observations as seen


@pytest.fixture
def observed(captured: Captured) -> Observed:
    return Observed()


# --- pieces ----------------------------------------------------------------------------------------


class Timers:
    """Keeps what is to be called later, in place of the event loop."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.delays: list[float] = []
        self.calls: list[Callable[[], object]] = []
        self.live: list[Timers.Handle] = []
        monkeypatch.setattr(asyncio.get_running_loop(), "call_later", self._call_later)

    class Handle:
        is_cancelled = False

        def cancel(self) -> None:
            self.is_cancelled = True

        def cancelled(self) -> bool:
            return self.is_cancelled

    def _call_later(self, delay: float, call: Callable[..., object], *args: object) -> Handle:
        self.delays.append(delay)
        self.calls.append(lambda: call(*args))
        self.live.append(Timers.Handle())
        return self.live[-1]

    def fire(self) -> None:
        """Call what was to be called last."""
        self.calls[-1]()


class Clock:
    """The wall clock of telemetry."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, timers: Timers) -> None:
        self.now = self._fired = time.time_ns()
        self._timers = timers
        monkeypatch.setattr("worker.telemetry.observer.time.time_ns", lambda: self.now)

    def run_for(self, seconds: float) -> None:
        """Let timers fire until so much time has gone by."""
        until = self.now + int(seconds * 1e9)
        while (due := self._fired + int(self._timers.delays[-1] * 1e9)) <= until:
            self.now = self._fired = due
            self._timers.fire()
        self.now = until


async def test_of_a_run_with_nothing_new_a_piece_is_told_whenever_it_is_twice_as_long(
    observed: Observed, captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    timers = Timers(monkeypatch)
    clock = Clock(monkeypatch, timers)
    traced = job(traceparent=new_traceparent())
    await observed.begin(traced)
    clock.run_for(86_400)
    assert timers.delays[0] == min(timers.delays) == 2
    assert max(timers.delays) == 300
    told = captured.spans(spans.RUN_SO_FAR)
    assert 10 <= len(told) <= 17  # in a day
    started = captured.span(spans.TAKE_OVER_LOCK)
    assert [span.start_time for span in told] == [started.end_time, *(span.end_time for span in told[:-1])]
    assert not timers.live[-1].is_cancelled
    await observed.finish(traced)
    assert timers.live[-1].is_cancelled
    assert len(captured.spans(spans.RUN_SO_FAR)) == len(told)


async def test_the_step_that_runs_now_is_told_unless_it_is_short(
    observed: Observed, captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    timers = Timers(monkeypatch)
    clock = Clock(monkeypatch, timers)
    traced = job(traceparent=new_traceparent())
    await observed.begin(traced)
    for number in range(1, 41):
        observed.telemetry.reported(run_of(traced), None, None, f"short {number}")
        observed.telemetry.reported(run_of(traced), None, None, f"long {number}")
        clock.run_for(30)
    told = [span.attributes[at.JOB_STEP] for span in captured.spans(spans.RUN_SO_FAR)]
    assert told[0] == "long 1"
    assert told[-1] in {f"long {number}" for number in range(35, 41)}  # an eighth of the run, at most
    assert len(told) <= 30  # of twenty minutes: as many as its length has eighths


async def test_a_short_run_is_told_by_its_end_alone(observed: Observed, captured: Captured) -> None:
    traced = job(traceparent=new_traceparent())
    await observed.begin(traced)
    await observed.finish(traced)
    assert captured.spans(spans.RUN_SO_FAR) == []


async def test_a_stretch_says_how_far_the_run_is(
    observed: Observed, captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    timers = Timers(monkeypatch)
    clock = Clock(monkeypatch, timers)
    traced = job(traceparent=new_traceparent())
    await observed.begin(traced)
    clock.run_for(2)
    (first,) = captured.spans(spans.RUN_SO_FAR)
    assert not {at.JOB_STEP, at.JOB_PROGRESS, at.JOB_PROGRESS_LIMIT} & first.attributes.keys()
    assert first.status.status_code is StatusCode.UNSET
    await observed.operate("step", 0, seen.StepRecorded(job(traceparent=traced.traceparent, steps=3), "x", 1))
    observed.telemetry.reported(run_of(traced), 0.0, 9.0, "count")
    clock.run_for(2)
    _, second = captured.spans(spans.RUN_SO_FAR)
    assert second.attributes == {
        at.JOB_ID: "one",
        at.JOB_KIND: "ten-steps",
        at.LOCK_NAME: LOCK,
        at.JOB_ATTEMPT: 1,
        at.LOCK_FENCE: 7,
        at.WORKER_NAME: "w1",
        at.JOB_STEPS: 3,
        at.JOB_STEP: "count",
        at.JOB_PROGRESS: 0.0,
        at.JOB_PROGRESS_LIMIT: 9.0,
    }
    clock.run_for(60)
    assert captured.spans(spans.RUN_SO_FAR)[-1].events == ()
