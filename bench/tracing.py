"""Compares job throughput with tracing of everything and with none, in one run on the same servers.

    python -m bench.tracing [--jobs 40] [--rounds 5] [--locks 2] [--most 0.10]

Two whole installations, which differ in nothing but tracing, take turns, so that a busy machine slows both.
In a round the jobs wait behind one that holds their lock, and the time counts from the first's start until
the last is completed, by the storage's clock. Spans go to a receiver in a process of its own that throws them
away. Exits with 1 when the median throughput with tracing is lower by more than the share `--most`. Where
others use the machine, too, look at the spread first: processor time is disturbed less than throughput is.
"""

import argparse
import asyncio
import multiprocessing
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.processes.ports import LOOPBACK, Reservation, answers
from deploy.servers import private
from tests.e2e.api import Job
from tests.e2e.stack import Stack

#: Kinds of jobs by what they are called in the table, with their parameters.
_WORK: dict[str, tuple[str, dict[str, object]]] = {
    "no steps": ("nothing", {}),
    "ten steps": ("ten-steps", {"steps": 10, "seconds": 0.0}),
}
_JOBS = "sample_jobs,tests.e2e.jobs,tests.e2e.telemetry.jobs"


@dataclass
class Way:
    """An installation, and what each round measured, by what it is."""

    stack: Stack
    rounds: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """One measure of both ways, per round; more is better."""

    what: str
    on: list[float]
    off: list[float]

    @property
    def ratio(self) -> float:
        """Median with tracing against median without; 1 means that tracing costs nothing."""
        return statistics.median(self.on) / statistics.median(self.off)

    @property
    def spread(self) -> tuple[float, float]:
        """Lowest and highest ratio of a round."""
        ratios = [on / off for on, off in zip(self.on, self.off, strict=True)]
        return min(ratios), max(ratios)

    def line(self) -> str:
        """Lay it out for reading."""
        low, high = self.spread
        return (
            f"{self.what:32} {statistics.median(self.off):9.1f} {statistics.median(self.on):9.1f}"
            f" {self.ratio:7.3f} {low:7.3f} {high:7.3f}"
        )


def compare(ways: tuple[Way, Way], count: int, rounds: int, locks: int) -> list[Comparison]:
    """Measure both ways, without tracing first; the first round only warms up."""
    for number in range(rounds + 1):
        for what, (kind, parameters) in _WORK.items():
            for way in ways if number % 2 else reversed(ways):
                for measure, value in _measure(way.stack, kind, parameters, count, locks).items():
                    if number:
                        way.rounds.setdefault(f"{measure}, {what}", []).append(value)
    off, on = ways
    return [Comparison(what, on.rounds[what], off.rounds[what]) for what in off.rounds]


def table(comparisons: list[Comparison]) -> str:
    """Lay the measurements out for reading."""
    head = f"{'medians':32} {'off':>9} {'on':>9} {'ratio':>7} {'lowest':>7} {'highest':>7}"
    return "\n".join([head, *(comparison.line() for comparison in comparisons)])


def _measure(
    stack: Stack, kind: str, parameters: dict[str, object], count: int, locks: int
) -> dict[str, float]:
    """Run `count` jobs one after another on each lock, and return the measurements by name."""
    gate = stack.folder / f"gate-{uuid.uuid4().hex}"
    names = [stack.new_lock() for _ in range(locks)]
    for name in names:
        stack.api.submit("traced", name, {"gate": str(gate)}).wait_for_attempt()
    began = time.perf_counter()
    jobs = [stack.api.submit(kind, names[number % locks], parameters) for number in range(count * locks)]
    submitting, processor = time.perf_counter() - began, _processor_seconds(stack)
    gate.touch()
    for job in jobs[-locks:]:
        assert job.wait_for_end(120)["status"] == "Completed"
    return {
        "jobs/s": len(jobs) / _seconds(stack, jobs),
        "jobs/processor second": len(jobs) / (_processor_seconds(stack) - processor),
        "submissions/s": len(jobs) / submitting,
    }


def _processor_seconds(stack: Stack) -> float:
    """Return the processor time that all processes of the services have had."""
    times = [process.cpu_times() for service in stack.services() for process in service.family()]
    return sum(each.user + each.system for each in times)


def _seconds(stack: Stack, jobs: list[Job]) -> float:
    """Return the time from the first start to the last completion, as the journal has them."""
    ids = {job.id for job in jobs}
    events = [
        event
        for lock in {job.lock for job in jobs}
        for event in stack.records.journal(lock)
        if event.job_id in ids
    ]
    began = min(event.committed for event in events if event.status == "Started")
    return max(event.committed for event in events if event.status == "Completed") - began


@contextmanager
def _receiver() -> Iterator[str]:
    """Run a receiver that throws everything away and return its address."""
    reservation = Reservation(1)
    port = reservation.ports[0]
    process = multiprocessing.get_context("spawn").Process(target=_swallow, args=(port,), daemon=True)
    process.start()
    while not answers(port):
        time.sleep(0.05)
    try:
        yield f"http://{LOOPBACK}:{port}"
    finally:
        process.terminate()
        process.join()
        reservation.release()


def _swallow(port: int) -> None:
    async def serve() -> None:
        server = await asyncio.start_server(_throw_away, LOOPBACK, port)
        await server.serve_forever()

    asyncio.run(serve())


async def _throw_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request of a connection with 200."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.partition("content-length:")[2].partition("\r\n")[0])
            await reader.readexactly(length)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


@contextmanager
def _ways(folder: Path, locks: int) -> Iterator[tuple[Way, Way]]:
    """Start both installations."""
    with (
        private.rabbitmq(folder / "rabbitmq") as broker,
        private.azurite(folder / "azurite", in_memory=True) as storage,
        _receiver() as address,
    ):
        alike = {
            "TURNSTILE_JOBS": _JOBS,
            "TURNSTILE_CONCURRENCY": str(locks),
            "TURNSTILE_LONGEST_TENURE_SECONDS": "60",
        }
        # With no endpoint spans would still be made, though not sent; the sampler has none made.
        off = {**alike, "OTEL_EXPORTER_OTLP_ENDPOINT": "", "OTEL_TRACES_SAMPLER": "always_off"}
        on = {**alike, "OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_TRACES_SAMPLER": "parentbased_always_on"}
        ways = (
            Way(Stack(broker, storage, folder / "off", off)),
            Way(Stack(broker, storage, folder / "on", on)),
        )
        try:
            for way in ways:
                way.stack.start()
                way.stack.crew(1)
            yield ways
        finally:
            for way in ways:
                way.stack.close()


def main() -> None:
    """Run the comparison, print it, and judge it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument(
        "--jobs", type=int, default=40, help="number of jobs per lock, way and round (%(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--locks", type=int, default=2)
    parser.add_argument(
        "--most", type=float, default=0.10, help="part of the throughput that tracing may cost (%(default)s)"
    )
    options = parser.parse_args()
    private.ensure_installed()
    with tempfile.TemporaryDirectory() as folder, _ways(Path(folder), options.locks) as ways:
        comparisons = compare(ways, options.jobs, options.rounds, options.locks)
    print(table(comparisons))
    too_dear = [
        each for each in comparisons if each.what.startswith("jobs/s") and each.ratio < 1 - options.most
    ]
    for each in too_dear:
        print(
            f"{each.what}: tracing costs {1 - each.ratio:.1%}, more than {options.most:.0%}", file=sys.stderr
        )
    sys.exit(1 if too_dear else 0)


if __name__ == "__main__":
    main()
