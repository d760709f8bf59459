"""What services log reaches Loki whole, within its limits, or they say how much they left out."""

import asyncio
import contextlib
import logging
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from deploy import ROOT
from deploy.stack import observers
from deploy.stack.observer import COLLECTOR, found
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from tests.integration.observers.loki import Limits, Loki
from tests.integration.observers.running import needed, own_settings, started, wait_until

from contracts.telemetry import attributes as at
from service_defaults import exporting
from service_defaults.delivery import Losses
from service_defaults.log_records import OtlpHandler
from worker.execution.output import Output

pytestmark = pytest.mark.integration

COMMITTED = Limits.of(ROOT / "grafana/loki.yaml")
WAYS = ["directly", "through the collector"]
#: Lines per tenth of a second, and tenths.
LINES, TENTHS = 100, 100


class Counted(Losses):
    """Losses that a test can read."""

    def __init__(self, signal: str) -> None:
        self.found: Counter[str] = Counter()
        self.signal = signal

    def add(self, number: int, loss: str) -> None:
        self.found[loss] += number


class Worker:
    """What a worker does with log records, with its way to Loki."""

    def __init__(self, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.losses = Counted("logs")
        monkeypatch.setattr(exporting, "Losses", lambda _: self.losses)
        resource = Resource({"service.name": "worker", "service.namespace": "turnstile", "host.name": "h"})
        self._provider = LoggerProvider(resource, shutdown_on_exit=False)
        self._provider.add_log_record_processor(exporting.logs_to(endpoint))
        self._handler = OtlpHandler(self._provider)
        self._handler.addFilter(self._note)
        self.said_dropped = 0
        logging.getLogger("turnstile").addHandler(self._handler)
        logging.getLogger("turnstile").setLevel(logging.INFO)

    def close(self) -> None:
        """Send the rest."""
        logging.getLogger("turnstile").removeHandler(self._handler)
        logging.getLogger("turnstile").setLevel(logging.NOTSET)
        self._provider.force_flush()
        self._provider.shutdown()

    def _note(self, record: logging.LogRecord) -> bool:
        self.said_dropped += getattr(record, at.DROPPED, 0)
        return True


@contextlib.contextmanager
def way_to(loki: Loki, way: str, folder: Path) -> Iterator[str]:
    """Return where to send log records that shall come to Loki."""
    if way == "directly":
        yield loki.url
        return
    needed(COLLECTOR)
    with own_settings(folder, "otel-collector,loki", LOKI_PORT=str(loki.server_port)) as settings:
        collector = observers._collector(settings, str(found(COLLECTOR)), ["loki"])
        observers._configure_collector(collector, {"loki"})
        with started([collector]):
            yield f"http://127.0.0.1:{settings.port('OTLP_PORT')}"


@pytest.mark.parametrize("way", WAYS)
async def test_of_a_job_that_prints_much_no_line_is_lost_that_was_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    with Loki(COMMITTED) as loki, way_to(loki, way, tmp_path) as endpoint:
        worker = Worker(endpoint, monkeypatch)
        reading, writing = os.pipe()
        output = Output(reading, lambda: {at.JOB_ID: "j", at.LOCK_NAME: "ledger"})
        try:
            await asyncio.to_thread(print_much, writing)
            await asyncio.sleep(0)
            output.close()
        finally:
            os.close(writing)
            await asyncio.to_thread(worker.close)
        printed = LINES * TENTHS
        said = worker.said_dropped + worker.losses.found.total()

        def all_are_accounted_for() -> bool:
            return len(numbers_of(loki)) + said >= printed

        await asyncio.to_thread(wait_until, all_are_accounted_for, "all lines but those that were counted")
    assert len(numbers_of(loki)) > printed / 2
    assert loki.refusals == []


def print_much(pipe: int) -> None:
    """Print a thousand lines of 8 KiB a second for ten seconds."""
    began = time.monotonic()
    for tenth in range(TENTHS):
        for number in range(LINES):
            text = f"line {tenth * LINES + number} ".ljust(8 * 1024 - 1, "x") + "\n"
            sent = text.encode()
            while sent:
                sent = sent[os.write(pipe, sent) :]
        time.sleep(max(0.0, began + (tenth + 1) / 10 - time.monotonic()))


def numbers_of(loki: Loki) -> set[str]:
    return {line.text.split()[1] for line in list(loki.lines) if line.text.startswith("line ")}


@pytest.mark.parametrize("way", WAYS)
def test_what_a_handler_names_and_how_much_it_adds_costs_no_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    hostile = {
        "名前": "Ada",
        "…": 1,
        "job_id": "forged",
        **{f"n{number}": "€" * 4096 for number in range(59)},
    }
    with Loki(COMMITTED) as loki, way_to(loki, way, tmp_path) as endpoint:
        worker = Worker(endpoint, monkeypatch)
        logger = logging.getLogger("turnstile.test")
        logger.info("of another")
        try:
            raise ValueError("€" * 16_384)
        except ValueError:
            logger.exception("hostile", extra={at.JOB_ID: "j", **hostile})
        logger.info("x" * 1_000_000)
        worker.close()
        wait_until(lambda: len(loki.lines) == 3, "three lines")
    assert loki.refusals == []
    by_text = {line.text: line.metadata for line in loki.lines}
    metadata = by_text["hostile"]
    assert (metadata["job_id"], metadata["handler_job_id"], metadata["unnamed"]) == (
        "j",
        "forged",
        "名前: Ada",
    )
    assert int(metadata["attributes_dropped"]) > 0
    assert metadata["exception_type"] == "ValueError"


@pytest.mark.parametrize(
    ("attributes", "body", "reason"),
    [
        ({"名前": "Ada"}, "x", "invalid name"),
        ({f"n{number}": "€" * 4096 for number in range(59)}, "x", "structured metadata too large"),
        ({f"n{number}": "1" for number in range(127)}, "x", "too many attributes"),
        ({}, "x" * 300_000, "line too long"),
        ({}, "x" * 5_000_000, "message of"),
    ],
)
def test_loki_refuses_what_is_not_bounded(attributes: dict[str, str], body: str, reason: str) -> None:
    with Loki(Limits()) as loki:
        provider = LoggerProvider(Resource({}), shutdown_on_exit=False)
        exporter = OTLPLogExporter(f"{loki.url}/v1/logs", timeout=1)
        provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
        provider.get_logger("test").emit(body=body, attributes=attributes)
        provider.shutdown()
        assert loki.refusals
        assert loki.refusals[0][1].startswith(reason)
        assert loki.lines == []
