"""A long run is told while it lasts, in stretches that say how far it is."""

import asyncio
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


# --- stretches ----------------------------------------------------------------------------------------


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


async def test_a_run_is_told_in_stretches_that_grow_from_two_seconds_to_five_minutes(
    observed: Observed, captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    timers = Timers(monkeypatch)
    traced = job(traceparent=new_traceparent())
    await observed.begin(traced)
    for _ in range(10):
        timers.fire()
    assert timers.delays == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    told = captured.spans(spans.RUN_JOB)
    started = captured.span(spans.TAKE_OVER_LOCK)
    assert [span.start_time for span in told] == [started.end_time, *(span.end_time for span in told[:-1])]
    assert not timers.live[-1].is_cancelled
    await observed.finish(traced)
    assert timers.live[-1].is_cancelled
    told = captured.spans(spans.RUN_JOB)
    assert len(told) == 11  # the last until the end of the run
    assert told[-1].start_time == told[-2].end_time
    assert told[-1].end_time <= captured.span(spans.COMPLETE_JOB).start_time


async def test_a_short_run_is_told_by_its_end_alone(observed: Observed, captured: Captured) -> None:
    traced = job(traceparent=new_traceparent())
    await observed.begin(traced)
    await observed.finish(traced)
    assert captured.spans(spans.RUN_JOB) == []


async def test_a_stretch_says_how_far_the_run_is(
    observed: Observed, captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    timers = Timers(monkeypatch)
    traced = job(traceparent=new_traceparent())
    await observed.begin(traced)
    timers.fire()
    (first,) = captured.spans(spans.RUN_JOB)
    assert not {at.JOB_STEP, at.JOB_PROGRESS, at.JOB_PROGRESS_LIMIT} & first.attributes.keys()
    assert first.status.status_code is StatusCode.UNSET
    await observed.operate("step", 0, seen.StepRecorded(job(traceparent=traced.traceparent, steps=3), "x", 1))
    observed.telemetry.reported(run_of(traced), 0.0, 9.0, "count")
    timers.fire()
    _, second = captured.spans(spans.RUN_JOB)
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
    timers.fire()
    assert captured.spans(spans.RUN_JOB)[-1].events == ()
