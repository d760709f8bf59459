"""What a person sees of jobs in Jaeger: the real one behind the real Collector, or a stand-in for both."""

import json
import re
from collections.abc import Iterator

import pytest
from deploy.documentation.telemetry_schema import declared
from deploy.stack.observer import COLLECTOR, found
from tests.e2e.api import Job
from tests.e2e.stack import Stack
from tests.e2e.telemetry import jaeger_cases
from tests.e2e.telemetry.jaeger_cases import CONTINUED, MANY, Caller, Watched
from tests.e2e.telemetry.jaeger_documents import Drawn, DrawnTrace
from tests.e2e.telemetry.observed import Observed, observed_real, observed_stand_in
from tests.e2e.telemetry.otlp_receiver import OtlpReceiver
from tests.e2e.telemetry.scenarios import Failures, Traced
from tests.e2e.telemetry.traces import ENDS, STARTS
from tests.e2e.waiting import until
from tests.integration.observers.running import needed

from contracts.telemetry import attributes as at
from contracts.telemetry import spans as sp
from contracts.telemetry.names import Source, SpanName

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

PUBLISHER, WORKER, PROJECTOR = (
    source.service_name for source in (Source.PUBLISHER, Source.WORKER, Source.AUDIT_PROJECTOR)
)
IS_REAL = bool(found(COLLECTOR) and found("jaeger"))
CASES = (
    *("ten steps", "fifty steps", "waited", "worker killed", "failed in a step", "cancelled", "timed out"),
    *("sampled caller", "caller that is not sampled"),
)
#: Names of what an attempt does: all but its steps, whose names are the handler's.
OF_ATTEMPT = {*ENDS, sp.SAVE_STATE, sp.RUN_SO_FAR, sp.RELEASE_LEASE}


@pytest.fixture(scope="module")
def jaeger(
    receiver: OtlpReceiver, shared_stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Observed]:
    """Return Jaeger, with all that the stack has sent and sends."""
    with observed_real(receiver, tmp_path_factory) if IS_REAL else observed_stand_in(receiver) as observed:
        yield observed


@pytest.fixture(scope="module")
def watched(
    busy_stack: Stack, receiver: OtlpReceiver, jaeger: Observed, tmp_path_factory: pytest.TempPathFactory
) -> Watched:
    """Return two jobs of one lock, which were looked at while one ran and one waited."""
    return jaeger_cases.watch(busy_stack, receiver, jaeger.api, tmp_path_factory.mktemp("gates") / "watched")


@pytest.fixture(scope="module")
def unsampled() -> Caller:
    """Return a caller whose trace is not recorded."""
    return Caller.new()


@pytest.fixture(scope="module")
def jobs(
    busy_stack: Stack,
    receiver: OtlpReceiver,
    jaeger: Observed,
    watched: Watched,
    failures: Failures,
    lost_worker: Traced,
    unsampled: Caller,
) -> dict[str, Traced]:
    """Return the job of each case, ended."""
    ten = jaeger_cases.run_steps(busy_stack, receiver, 10)
    jaeger.whole(ten)
    before = jaeger.api.operations(WORKER)
    fifty = jaeger_cases.run_steps(busy_stack, receiver, 50)
    jaeger.whole(fifty)
    declared_names = {str(name) for name in declared(sp, SpanName).values()}
    assert jaeger.api.operations(WORKER) - before <= declared_names, "more steps made more operations"
    caller = Caller.new()
    sampled = jaeger_cases.run_called(busy_stack, receiver, caller, is_sampled=True)
    jaeger.take(caller.body())
    until(lambda: len(jaeger.api.trace(caller.trace_id).named("close the month")), 20, "the caller's span")
    cases = (
        *(ten, fifty, watched.second, lost_worker, failures.in_step, failures.cancelled, failures.timed_out),
        *(sampled, jaeger_cases.run_called(busy_stack, receiver, unsampled, is_sampled=False)),
    )
    return dict(zip(CASES, cases, strict=True))


@pytest.fixture(params=CASES)
def traced(request: pytest.FixtureRequest, jobs: dict[str, Traced]) -> Traced:
    """Return the job of each case, one after the other."""
    return jobs[request.param]


@pytest.fixture
def trace(jaeger: Observed, traced: Traced) -> DrawnTrace:
    """Return the job's trace as Jaeger shows it."""
    return jaeger.whole(traced)


def test_the_real_jaeger_is_asked() -> None:
    needed(COLLECTOR, "jaeger")


def test_no_span_has_a_warning_and_no_parent_is_missing(trace: DrawnTrace) -> None:
    ids = {span.span_id for span in trace.spans}
    assert not [span for span in trace.spans if span.warnings], f"{trace}"
    assert not [span for span in trace.spans if span.parent_id and span.parent_id not in ids], f"{trace}"
    assert len({span.host for span in trace.spans if span.service != "caller"}) == 1


def test_projection_is_in_traces_of_its_own_which_lead_to_the_job(
    jaeger: Observed, traced: Traced, trace: DrawnTrace
) -> None:
    assert not [span for span in trace.spans if span.service == PROJECTOR], f"{trace}"
    submission = (trace.trace_id, traced.trace.submission().span_id)
    about = json.dumps({str(at.JOB_ID): traced.job.id})

    def leading() -> list[Drawn]:
        spans = [span for other in jaeger.api.search(PROJECTOR, about) for span in other.spans]
        return [span for span in spans if submission in span.links]

    assert {span.name for span in until(leading, 20, "a projection")} == {sp.PROCESS_EVENTS}


def test_what_an_attempt_does_hangs_under_it(trace: DrawnTrace) -> None:
    attempts = {span.tags[at.JOB_ATTEMPT]: span for span in trace.named(sp.RUN_JOB)}
    assert sorted(attempts) == list(range(1, len(attempts) + 1))
    for span in trace.spans:
        if span.name in OF_ATTEMPT or span.name.startswith("step"):
            above = trace.above(span)[0]
            assert above is attempts[span.tags.get(at.JOB_ATTEMPT, len(attempts))], f"{span.name} in\n{trace}"
        elif span.service == WORKER and span.tags.get("span.kind") == "producer":
            assert set(trace.above(span)) & set(attempts.values()), f"{span.name} in\n{trace}"


def test_the_list_of_traces_tells_jobs_apart(traced: Traced, trace: DrawnTrace) -> None:
    first = next(span for span in trace.spans if span.service == PUBLISHER)
    assert [one.service for one in trace.above(first)] in ([], ["caller"])
    assert first.name.startswith(("POST /api/v1/jobs ", "submit job ")), f"{trace}"
    assert first.name.endswith(f" {traced.job.state()['kind']}")
    assert (first.tags[at.JOB_ID], first.tags[at.LOCK_NAME]) == (traced.job.id, traced.job.lock)


def test_a_trace_is_small_and_grows_by_a_span_or_two_with_each_step(
    jaeger: Observed, jobs: dict[str, Traced]
) -> None:
    ten, fifty = (jaeger.whole(jobs[case]) for case in CASES[:2])
    assert len(ten.spans) <= 40, f"{ten}"
    assert len(fifty.spans) - len(ten.spans) <= 4 + 2 * 40, f"{fifty}"


def test_a_job_that_runs_shows_what_is_done_and_what_runs_now(watched: Watched) -> None:
    trace = watched.while_running
    assert not trace.named(sp.RUN_JOB, "step book"), f"{trace}"
    (load,) = trace.named("step load")
    piece = trace.named(sp.RUN_SO_FAR)[-1]
    assert (piece.tags[at.JOB_STEP], piece.tags[at.JOB_STEPS]) == ("book", 1)
    # Both hang under the attempt, which Jaeger gets when it is over.
    assert load.parent_id == piece.parent_id != ""


def test_a_job_that_waits_shows_where_and_behind_whom(watched: Watched) -> None:
    look = watched.while_waiting.named(sp.LOOK_AT_LINE)[0]
    first = watched.first.job.events()
    assert look.tags[at.LINE_POSITION] == 1
    assert look.tags[at.WORKER_NAME] == next(one["worker"] for one in first if one["status"] == "Started")
    assert not watched.while_waiting.named(*STARTS)


def test_after_a_kill_it_is_seen_where_the_run_ended_and_who_continued(
    jaeger: Observed, jobs: dict[str, Traced]
) -> None:
    traced = jobs["worker killed"]
    trace = jaeger.whole(traced)
    workers = [one["worker"] for one in traced.job.events() if one["status"] == "Started"]
    (first,), (second,) = (trace.named(sp.RUN_JOB, attempt=number) for number in (1, 2))
    assert [first.tags[at.WORKER_NAME], second.tags[at.WORKER_NAME]] == workers
    assert (first.is_red, second.is_red) == (True, False)
    assert first.tags[at.REASON]
    assert (trace.trace_id, first.span_id) in second.links
    assert trace.named(sp.INTERRUPT_JOB, attempt=1)


@pytest.mark.parametrize("case", ["failed in a step", "timed out", "cancelled"])
def test_the_end_is_seen(jaeger: Observed, jobs: dict[str, Traced], case: str) -> None:
    trace = jaeger.whole(jobs[case])
    (run,) = trace.named(sp.RUN_JOB)
    end = {"failed in a step": sp.FAIL_JOB, "timed out": sp.TIME_OUT_JOB, "cancelled": sp.CANCEL_JOB}[case]
    assert len(trace.named(end)) == 1, f"{trace}"
    assert run.is_red == (case != "cancelled"), f"{trace}"


def test_the_trace_of_a_caller_that_is_sampled_is_continued(
    jaeger: Observed, jobs: dict[str, Traced]
) -> None:
    trace = jaeger.whole(jobs["sampled caller"])
    first = [span for span in trace.spans if not span.parent_id]
    assert [span.service for span in first] == ["caller"], f"{trace}"


def test_the_trace_of_a_caller_that_is_not_sampled_is_linked(
    jaeger: Observed, jobs: dict[str, Traced], unsampled: Caller
) -> None:
    trace = jaeger.whole(jobs["caller that is not sampled"])
    assert trace.trace_id != unsampled.trace_id
    # Its link leads to the request, which is in the caller's trace and recorded as little as that one.
    assert unsampled.trace_id in {link[0] for span in trace.spans for link in span.links}, f"{trace}"
    assert not jaeger.api.trace(unsampled.trace_id).spans


def test_operations_have_no_names_of_data(jaeger: Observed, jobs: dict[str, Traced]) -> None:
    names = set().union(*map(jaeger.api.operations, (PUBLISHER, WORKER, PROJECTOR)))
    assert {"step step", "step effect"} <= names
    assert not [name for name in names if re.search(r"\d", name.replace("/v1/", "/"))]


def test_many_jobs_of_one_caller_are_not_one_trace(jaeger: Observed, busy_stack: Stack) -> None:
    caller = Caller.new()
    jaeger.take(caller.body())
    many = jaeger_cases.run_many(busy_stack, caller)
    traces = [one.state()["trace_id"] for one in many]
    continued = [one for one in traces if one == caller.trace_id]
    assert (len(many), len(continued)) == (MANY, CONTINUED)
    assert len(set(traces)) == MANY - CONTINUED + 1
    own = next(number for number in reversed(range(MANY)) if traces[number] != caller.trace_id)
    trace = until(lambda: _ended(jaeger.api.trace(traces[own])), 30, "the trace of one of them")
    requests = _requests(jaeger, caller, many[own])
    assert [link[0] for link in requests[0].links] == [trace.trace_id]
    assert (caller.trace_id, requests[0].span_id) in [link for span in trace.spans for link in span.links]
    # A request each, and what became of the first.
    assert len(jaeger.api.trace(caller.trace_id).spans) <= MANY + 1 + CONTINUED * 40


def _ended(trace: DrawnTrace) -> DrawnTrace | None:
    return trace if trace.named(sp.RUN_JOB) else None


def _requests(jaeger: Observed, caller: Caller, job: Job) -> list[Drawn]:
    def found() -> list[Drawn]:
        spans = jaeger.api.trace(caller.trace_id).spans
        return [span for span in spans if span.tags.get(at.JOB_ID) == job.id]

    return until(found, 30, "the request of one of them")
