"""What happens on the stack while it tells of itself."""

import json
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aio_pika
import httpx
import psutil
from aio_pika.abc import AbstractChannel
from deploy.stack.observers import OF_THIS_MACHINE
from tests.e2e.api import Job
from tests.e2e.broker import Broker
from tests.e2e.journeys import Underway, assert_finished, bring_under_way, next_start
from tests.e2e.services import Service
from tests.e2e.stack import LEASE_SECONDS, TAKE_OVER_SECONDS, Stack
from tests.e2e.telemetry.otlp_receiver import OtlpReceiver
from tests.e2e.telemetry.traces import Trace, trace_now, whole_trace
from tests.e2e.waiting import until

from contracts import lock_names, topology
from contracts.identifiers import new_id
from contracts.telemetry import spans as sp

_JOBS = "sample_jobs,tests.e2e.jobs,tests.e2e.telemetry.jobs"

#: A caller's context, as in the W3C's own examples.
CALLER_TRACE, CALLER_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def telling(receiver: OtlpReceiver) -> dict[str, str]:
    """Return the environment of services that send all three signals to the receiver, often."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        "OTEL_RESOURCE_ATTRIBUTES": OF_THIS_MACHINE,
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_METRIC_EXPORT_INTERVAL": "1000",
        "TURNSTILE_SWEEP_SECONDS": "1",
        # A line stays with its worker, so that one job's end starts the next.
        "TURNSTILE_LONGEST_TENURE_SECONDS": "60",
        # So that what is said for debugging is looked at, too.
        "TURNSTILE_LOG_LEVEL": "DEBUG",
        "TURNSTILE_JOBS": _JOBS,
    }


@dataclass(frozen=True)
class Traced:
    """A job that has ended, and its trace."""

    job: Job
    trace: Trace


# --- Jobs that complete ----------------------------------------------------------------------------


def run_ordinary(stack: Stack, receiver: OtlpReceiver) -> Traced:
    """Run a job that a caller with a trace of its own submits, on a lock that nobody else wants."""
    lock = stack.new_lock()
    answer = stack.api.client.post(
        "/api/v1/jobs",
        json={"kind": "traced", "lock": lock},
        headers={"traceparent": f"00-{CALLER_TRACE}-{CALLER_SPAN}-01"},
    )
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    return _completed(receiver, stack.api.job(answer.json()["job_id"], lock))


@dataclass(frozen=True)
class Line:
    """Jobs of one lock, in order; the first ran while the others waited."""

    jobs: list[Traced]
    #: The first job's trace, read while it ran, and the second's, read while it waited.
    while_running: Trace
    while_waiting: Trace


def run_line(stack: Stack, receiver: OtlpReceiver, gate: Path) -> Line:
    """Keep a job at a gate until it has told that it runs, and the scheduler that another waits."""
    lock = stack.new_lock()
    jobs = [stack.api.submit("traced", lock, {"gate": str(gate)})]
    jobs[0].wait_for_attempt()
    jobs += [stack.api.submit("traced-sync", lock) for _ in range(2)]
    try:
        receiver.until(lambda _: trace_now(receiver, jobs[0]).named(sp.RUN_SO_FAR), "a piece of the run")
        receiver.until(
            lambda _: trace_now(receiver, jobs[1]).named(sp.LOOK_AT_LINE), "a look at the line", 20
        )
    except AssertionError as error:
        missing = str(error)
    else:
        missing = ""
    running, waiting = trace_now(receiver, jobs[0]), trace_now(receiver, jobs[1])
    assert jobs[0].state()["status"] == "Running"
    assert jobs[1].state()["status"] == "Queued"
    gate.touch()
    line = Line([_completed(receiver, job) for job in jobs], running, waiting)
    assert not missing, f"{missing}\n{running}\n{waiting}"
    return line


def run_without_wake_up(stack: Stack, receiver: OtlpReceiver) -> Traced:
    """Submit a job whose wake-up cannot be delivered; the sweeper finds it."""
    with _unbound(stack.broker):
        job = stack.api.submit("nothing", stack.new_lock())
    return _completed(receiver, job)


@dataclass(frozen=True)
class Commanded(Traced):
    """A job submitted by a message, which carried the context of a span of the sender."""

    sender_trace: str
    sender_span: str


def run_commanded(stack: Stack, receiver: OtlpReceiver) -> Commanded:
    """Submit a job by a message of another system."""
    lock, job_id = stack.new_lock(), new_id()
    trace_id, span_id = new_id().replace("-", ""), new_id().replace("-", "")[16:]
    command = {"job": {"kind": "nothing", "lock": lock, "job_id": job_id}, "actor": "billing"}
    send(stack.broker, topology.SUBMIT, command, {"traceparent": f"00-{trace_id}-{span_id}-01"})
    until(lambda: stack.api.client.get(f"/api/v1/jobs/{job_id}").is_success, 15, "the job to be accepted")
    traced = _completed(receiver, stack.api.job(job_id, lock))
    return Commanded(traced.job, traced.trace, trace_id, span_id)


def run_scheduled(stack: Stack, receiver: OtlpReceiver) -> Traced:
    """Let a schedule submit a job when it is due, and another one by hand."""
    lock, path = stack.new_lock(), "/api/v1/schedules/telling"
    body = {"interval": 1, "job": {"kind": "nothing", "lock": lock, "on_conflict": "skip"}}
    stack.api.client.put(path, json=body).raise_for_status()
    stack.api.client.post(f"{path}:run").raise_for_status()

    def submitted() -> list[str]:
        history = stack.api.client.get(path).raise_for_status().json()["history"]
        return [one["job_id"] for one in history if one["trigger"] == "due" and one["outcome"] == "submitted"]

    job_id = until(submitted, 60, "the schedule to submit a job")[0]
    stack.api.client.delete(path).raise_for_status()
    return _completed(receiver, stack.api.job(job_id, lock))


# --- Jobs that do not ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Failures:
    """Jobs that ended otherwise."""

    in_step: Traced
    timed_out: Traced
    cancelled: Traced
    #: Its first attempt failed, and the second did not.
    recovered: Traced


def run_failures(stack: Stack, receiver: OtlpReceiver) -> Failures:
    """Let a job fail in a step, one take too long, one fail and be tried again, and cancel one."""
    failing = stack.api.submit("fails-in-step", stack.new_lock())
    _ended(failing, "Failed")
    cancelled = stack.api.submit("effects", stack.new_lock(), {"count": 50, "seconds": 0.1})
    stack.sink.wait_for_effect(cancelled.lock, cancelled.id)
    assert cancelled.cancel().is_success
    _ended(cancelled, "Cancelled")
    late = stack.api.submit("blocks-loop", stack.new_lock())
    _ended(late, "TimedOut")
    recovering = stack.api.submit("recovers", stack.new_lock(), {"failures": 1, "later": 0.5})
    _ended(recovering, "Completed")
    jobs = (failing, late, cancelled, recovering)
    return Failures(*(Traced(job, whole_trace(receiver, job)) for job in jobs))


def run_with_killed_runner(stack: Stack, receiver: OtlpReceiver) -> Traced:
    """Kill the process that runs a job."""
    at_work = bring_under_way(stack, "effects", stack.new_lock(), count=12, seconds=0.2)
    at_work.runner.kill()
    assert_finished(stack, at_work.job, attempts=2)
    return Traced(at_work.job, whole_trace(receiver, at_work.job))


@dataclass
class Deaths:
    """Jobs whose workers were killed and frozen; the frozen one goes on when its lease has run out."""

    killed: Underway
    frozen: Underway
    is_thawed: bool = False


def bring_deaths(stack: Stack) -> Deaths:
    """Kill a worker whole, and freeze another whole; two are left."""
    stack.crew(4)
    killed = bring_under_way(stack, "effects", stack.new_lock(), count=15, seconds=0.2)
    # The supervisor first: it would see its runner die, and say so.
    for process in killed.worker.family():
        with suppress(psutil.NoSuchProcess):
            process.kill()
    killed.worker.popen.wait()
    frozen = bring_under_way(stack, "effects", stack.new_lock(), count=15, seconds=0.2)
    frozen.worker.freeze()
    return Deaths(killed, frozen)


def see_through(stack: Stack, receiver: OtlpReceiver, at_work: Underway, deaths: Deaths) -> Traced:
    """Wait until others have taken over; let the frozen worker go on, and see that the job is done."""
    next_start(stack, at_work.job, 2, within=2 * TAKE_OVER_SECONDS)
    if not deaths.is_thawed:
        next_start(stack, deaths.frozen.job, 2, within=2 * TAKE_OVER_SECONDS)
        # Its supervisor, which goes on first, may end the others.
        for process in deaths.frozen.worker.family():
            with suppress(psutil.NoSuchProcess):
                process.resume()
        deaths.is_thawed = True
    _ended(at_work.job, "Completed")
    return Traced(at_work.job, whole_trace(receiver, at_work.job))


# --- What happens seldom ---------------------------------------------------------------------------


def cause_mishaps(stack: Stack, receiver: OtlpReceiver, folder: Path) -> None:
    """Ask for what is unknown, send what nobody understands, let a job expire, spoil a lock, stop storage."""
    stack.api.client.get("/api/v1/events?limit=1").raise_for_status()
    refused = stack.api.client.post("/api/v1/jobs", json={"kind": "unheard-of", "lock": stack.new_lock()})
    assert refused.status_code == httpx.codes.UNPROCESSABLE_ENTITY, refused.text
    stack.broker.send(stack.broker.topology.jobs_exchange, topology.RUN, b"not json")
    lock, job_id = stack.new_lock(), new_id()
    send(stack.broker, topology.SUBMIT, {"job": {"kind": "unheard-of", "lock": lock, "job_id": job_id}})
    _ended(stack.api.submit("chatters", stack.new_lock()), "Completed")
    _let_expire(stack, folder / "late")
    _refuse_a_write(stack, receiver, folder / "refused")
    gate = folder / "stutter"
    job = stack.api.submit("traced", stack.new_lock(), {"gate": str(gate)})
    job.wait_for_attempt()
    stack.azurite.pause()
    try:
        # A step is recorded meanwhile, and sent again and again; renewals fail, but the lease stays.
        gate.touch()
        time.sleep(LEASE_SECONDS / 2)
    finally:
        stack.azurite.resume()
    _ended(job, "Completed")


def _let_expire(stack: Stack, gate: Path) -> None:
    """Let a job wait behind another for longer than it may."""
    at_work = stack.api.submit("traced", stack.new_lock(), {"gate": str(gate)})
    at_work.wait_for_attempt()
    _ended(stack.api.submit("visit", at_work.lock, expires_in=1), "Expired")
    gate.touch()
    _ended(at_work, "Completed")


def _refuse_a_write(stack: Stack, receiver: OtlpReceiver, gate: Path) -> None:
    """Make a lock look taken over until its holder has noticed; then it is taken over indeed."""
    job = stack.api.submit("traced", stack.new_lock(), {"gate": str(gate)})
    job.wait_for_attempt()
    journal = stack.records.service.get_table_client(f"{stack.namespace}Journal")
    keys = {"PartitionKey": lock_names.partition(job.lock), "RowKey": "line|lock|00"}
    row = journal.get_entity(keys["PartitionKey"], keys["RowKey"])
    tenure = str(row["tenure"])
    journal.update_entity({**keys, "tenure": "somebody else"})
    gate.touch()
    try:
        receiver.until(lambda _: trace_now(receiver, job).moments(sp.WRITE_REFUSED), "a refused write", 10)
    finally:
        journal.update_entity({**keys, "tenure": tenure})
    _ended(job, "Completed")


# --- Means -----------------------------------------------------------------------------------------


def send(
    broker: Broker, key: str, body: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> None:
    """Send a message with headers to the jobs exchange, as another system would."""

    async def publish(channel: AbstractChannel) -> None:
        message = aio_pika.Message(json.dumps(body).encode(), headers={**(headers or {})})
        await (await channel.get_exchange(broker.topology.jobs_exchange, ensure=False)).publish(message, key)

    broker.do(publish)


@contextmanager
def _unbound(broker: Broker) -> Iterator[None]:
    """Have wake-ups go nowhere."""
    names = broker.topology

    async def unbind(channel: AbstractChannel) -> None:
        queue = await channel.get_queue(names.jobs_queue, ensure=False)
        await queue.unbind(names.jobs_exchange, topology.RUN)

    async def bind(channel: AbstractChannel) -> None:
        queue = await channel.get_queue(names.jobs_queue, ensure=False)
        await queue.bind(names.jobs_exchange, topology.RUN)

    broker.do(unbind)
    try:
        yield
    finally:
        broker.do(bind)


def _completed(receiver: OtlpReceiver, job: Job) -> Traced:
    _ended(job, "Completed")
    return Traced(job, whole_trace(receiver, job))


def _ended(job: Job, status: str) -> None:
    state = job.wait_for_end(40)
    assert state["status"] == status, state


def stop_all(services: list[Service]) -> float:
    """Tell services to stop and wait for them; returns the seconds that the slowest took."""
    began = time.monotonic()
    for service in services:
        service.signal(signal.SIGTERM)
    for service in services:
        assert service.wait() == 0, service.log_tail()
    return time.monotonic() - began
