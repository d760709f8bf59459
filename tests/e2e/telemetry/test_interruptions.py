"""What a killed attempt did is not lost, the cut is seen with its reason, and the next attempt leads back."""

import pytest
from tests.e2e.telemetry.scenarios import Traced
from tests.e2e.telemetry.test_trace_of_a_job import assert_hangs_together
from tests.e2e.telemetry.traces import STARTS

from contracts.telemetry import attributes as at
from contracts.telemetry import spans as sp

pytestmark = pytest.mark.e2e


@pytest.fixture(params=["killed_runner", "lost_worker", "frozen_worker"])
def interrupted(request: pytest.FixtureRequest) -> Traced:
    """Return jobs whose first attempt was cut off."""
    found: Traced = request.getfixturevalue(request.param)
    return found


def test_both_attempts_stand_in_one_trace(interrupted: Traced) -> None:
    trace = interrupted.trace
    for names in (STARTS, (sp.RUN_JOB,)):
        assert sorted(span.attributes[at.JOB_ATTEMPT] for span in trace.named(*names)) == [1, 2], f"{trace}"
    assert len(trace.named(sp.COMPLETE_JOB)) == 1, f"{trace}"
    assert not trace.doubled(), f"{trace}"
    assert_hangs_together(trace)


def test_each_attempt_is_one_span_above_all_that_it_did(interrupted: Traced) -> None:
    trace = interrupted.trace
    first, second = trace.named(sp.RUN_JOB)
    assert (first.attributes[at.JOB_OUTCOME], second.attributes[at.JOB_OUTCOME]) == (
        "interrupted",
        "completed",
    )
    assert (first.status, second.status) == ("error", "unset")
    worker = next(event["worker"] for event in interrupted.job.events() if event["status"] == "Started")
    assert first.attributes[at.WORKER_NAME] == worker
    for span in trace.spans:
        if span.name.startswith("step ") or span.name in {sp.RUN_SO_FAR, sp.COMPLETE_JOB, sp.INTERRUPT_JOB}:
            attempt = first if span.attributes[at.JOB_ATTEMPT] == 1 else second
            assert trace.above(span)[0] is attempt, f"{span.name} in\n{trace}"


def test_every_step_that_was_recorded_is_in_the_trace(interrupted: Traced) -> None:
    trace = interrupted.trace
    recorded = [event for event in interrupted.job.events() if event["status"] == "Step"]
    first = sum(event["attempt"] == 1 for event in recorded)
    assert first >= 2
    steps = {
        str(span.attributes[at.JOB_STEP])
        for span in trace.spans
        if span.name.startswith("step ") and span.attributes[at.JOB_ATTEMPT] == 1
    }
    told = {
        str(moment[at.JOB_STEP])
        for _, moment in trace.moments(sp.STEP_RECORDED)
        if moment[at.JOB_ATTEMPT] == 1
    }
    assert {f"effect {number}" for number in range(1, first + 1)} <= steps | told, f"{trace}"


def test_the_cut_is_seen_with_its_reason(interrupted: Traced) -> None:
    moments = interrupted.trace.moments(sp.RUN_INTERRUPTED)
    assert moments, f"{interrupted.trace}"
    reason = next(event for event in interrupted.job.events() if event["status"] == "Interrupted")
    for _, moment in moments:
        assert moment[at.REASON], moment
        assert moment[at.REASON] == reason["message"]
        assert moment[at.JOB_ATTEMPT] == 1


def test_the_next_attempt_links_to_the_one_that_was_cut_off(interrupted: Traced) -> None:
    first, _ = interrupted.trace.named(sp.RUN_JOB)
    for name in (STARTS, (sp.RUN_JOB,)):
        second = interrupted.trace.named(*name)[1]
        # Beside it there may be one to the wake-up, when another job's led to this start.
        assert (first.trace_id, first.span_id) in [(link.trace_id, link.span_id) for link in second.links]


def test_the_cause_of_a_take_over_is_told(killed_runner: Traced, lost_worker: Traced) -> None:
    causes = []
    for traced in (killed_runner, lost_worker):
        second = next(span for span in traced.trace.named(*STARTS) if span.attributes[at.JOB_ATTEMPT] == 2)
        causes.append(second.attributes.get(at.TAKE_OVER_CAUSE))
    assert causes == ["runner_died", "worker_lost"]
