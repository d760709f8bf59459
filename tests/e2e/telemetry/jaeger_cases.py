"""Jobs whose traces are looked at in Jaeger: while they run and wait, and with callers of every sort."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from tests.e2e.api import Job
from tests.e2e.stack import Stack
from tests.e2e.telemetry.jaeger_documents import DrawnTrace, JaegerApi
from tests.e2e.telemetry.otlp_receiver import OtlpReceiver
from tests.e2e.telemetry.scenarios import Traced
from tests.e2e.telemetry.traces import whole_trace
from tests.e2e.waiting import until

from contracts.identifiers import new_id
from contracts.telemetry import attributes as at
from contracts.telemetry import spans as sp

#: What a loop of a caller submits that has one trace for all. A thousand look the same, and take longer.
MANY = 200
#: How many of them continue the caller's trace, by default.
CONTINUED = 20


@dataclass(frozen=True)
class Caller:
    """A span of a program that submits jobs."""

    trace_id: str
    span_id: str

    @classmethod
    def new(cls) -> "Caller":
        """Return one with ids of its own."""
        return cls(new_id().replace("-", ""), new_id().replace("-", "")[16:])

    def headers(self, *, is_sampled: bool) -> dict[str, str]:
        """Return what its request says of it."""
        return {"traceparent": f"00-{self.trace_id}-{self.span_id}-{'01' if is_sampled else '00'}"}

    def body(self) -> bytes:
        """Return the request with which it sends its span, which is over by now."""
        request = ExportTraceServiceRequest()
        sender = request.resource_spans.add()
        for name, value in (("service.name", "caller"), ("host.id", "elsewhere")):
            sender.resource.attributes.append(KeyValue(key=name, value=AnyValue(string_value=value)))
        now = time.time_ns()
        sender.scope_spans.add().spans.add(
            trace_id=bytes.fromhex(self.trace_id),
            span_id=bytes.fromhex(self.span_id),
            name="close the month",
            kind=3,
            # Longer than all that it asked for: its clock is another host's.
            start_time_unix_nano=now - 600 * 10**9,
            end_time_unix_nano=now + 600 * 10**9,
        )
        return bytes(request.SerializeToString())


def run_steps(stack: Stack, receiver: OtlpReceiver, steps: int) -> Traced:
    """Run a job of some steps, whose caller has no trace."""
    job = stack.api.submit("ten-steps", stack.new_lock(), {"steps": steps, "seconds": 0.02})
    return _completed(receiver, job)


def run_called(stack: Stack, receiver: OtlpReceiver, caller: Caller, *, is_sampled: bool) -> Traced:
    """Run a job that a caller with a trace submits."""
    lock = stack.new_lock()
    job = _submit(stack, lock, caller.headers(is_sampled=is_sampled))
    return _completed(receiver, job)


@dataclass(frozen=True)
class Watched:
    """A job that ran while another one waited, as Jaeger showed both, and the traces of both in the end."""

    while_running: DrawnTrace
    while_waiting: DrawnTrace
    first: Traced
    second: Traced


def watch(stack: Stack, receiver: OtlpReceiver, jaeger: JaegerApi, gate: Path) -> Watched:
    """Keep a job at a gate within its last step until Jaeger shows it, and the one that waits behind it.

    A wait of 20 s looks the same: the scheduler looks at the line early, and then more and more seldom.
    """
    lock = stack.new_lock()
    first = stack.api.submit("traced", lock, {"gate": str(gate)})
    first.wait_for_attempt()
    second = stack.api.submit("traced", lock)
    ids = [job.state()["trace_id"] for job in (first, second)]
    try:
        until(lambda: _shows(jaeger, ids[0], sp.RUN_SO_FAR), 30, "an early piece of the run in Jaeger")
        until(lambda: _shows(jaeger, ids[1], sp.LOOK_AT_LINE), 30, "a look at the line in Jaeger")
        running, waiting = map(jaeger.trace, ids)
    finally:
        gate.touch()
    return Watched(running, waiting, _completed(receiver, first), _completed(receiver, second))


def run_many(stack: Stack, caller: Caller) -> list[Job]:
    """Submit many jobs within one trace of a caller, and wait until all have run."""
    locks = [stack.new_lock() for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        jobs = list(
            pool.map(
                lambda number: _submit(stack, locks[number % 2], caller.headers(is_sampled=True)), range(MANY)
            )
        )

    def have_run() -> bool:
        states = [stack.api.lock(lock) for lock in locks]
        return not any(state["waiting"] or state["job_id"] for state in states)

    until(have_run, 300, "all jobs to have run")
    return jobs


def _submit(stack: Stack, lock: str, headers: dict[str, str]) -> Job:
    answer = stack.api.client.post("/api/v1/jobs", json={"kind": "nothing", "lock": lock}, headers=headers)
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    return stack.api.job(answer.json()["job_id"], lock)


def _completed(receiver: OtlpReceiver, job: Job) -> Traced:
    state = job.wait_for_end(60)
    assert state["status"] == "Completed", state
    return Traced(job, whole_trace(receiver, job))


def _shows(jaeger: JaegerApi, trace_id: str, name: str) -> bool:
    found = jaeger.trace(trace_id).named(name)
    return any(span.tags.get(at.JOB_ID) for span in found)
