"""Log lines: what stands in them, for machines and for people."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from contracts.telemetry import attributes as at
from contracts.telemetry import resource
from service_defaults.logging import configure_logging, log_context
from service_defaults.settings import ServiceSettings

logger = logging.getLogger("somewhere.inside")


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers, root.level
    yield
    root.handlers, root.level = before
    logging.captureWarnings(capture=False)


@pytest.fixture
def lines(settings: ServiceSettings) -> io.StringIO:
    stream = io.StringIO()
    configure_logging(settings, stream)
    return stream


def last(lines: io.StringIO) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(lines.getvalue().splitlines()[-1])
    return line


def test_a_line_is_one_json_object(lines: io.StringIO) -> None:
    logger.info("run started", extra={at.JOB_KIND: "ten-steps", "text": "two\nlines"})
    line = last(lines)
    assert list(line)[:5] == ["timestamp", "level", "logger", "message", resource.SERVICE_NAME]
    assert line["timestamp"].endswith("Z")
    assert (line["level"], line["logger"], line["message"]) == ("info", "somewhere.inside", "run started")
    assert (line[resource.SERVICE_NAME], line[at.JOB_KIND], line["text"]) == (
        "turnstile",
        "ten-steps",
        "two\nlines",
    )
    assert len(lines.getvalue().splitlines()) == 1


def test_the_log_context_stands_in_every_line_within_it(lines: io.StringIO) -> None:
    bound: dict[str, object] = {at.JOB_ID: "j", at.LOCK_NAME: "ledger", at.JOB_ATTEMPT: 2, at.LOCK_FENCE: 7}
    with log_context(bound):
        logger.info("inside")
        assert bound.items() <= last(lines).items()
    logger.info("outside")
    assert at.JOB_ID not in last(lines)


def test_the_active_span_stands_in_the_line(lines: io.StringIO) -> None:
    with TracerProvider().get_tracer("test").start_as_current_span("work") as span:
        logger.info("inside")
        context = span.get_span_context()
    line = last(lines)
    assert (line["trace_id"], line["span_id"]) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")


def test_a_line_about_a_job_keeps_the_trace_of_that_job(lines: io.StringIO) -> None:
    with TracerProvider().get_tracer("test").start_as_current_span("work"):
        logger.info("run started", extra={"trace_id": "0" * 31 + "1"})
    assert last(lines)["trace_id"] == "0" * 31 + "1"
    assert "span_id" not in last(lines)


def test_an_exception_stands_in_its_line(lines: io.StringIO) -> None:
    try:
        raise ValueError("that was wrong")
    except ValueError:
        logger.exception("failed")
    assert "ValueError: that was wrong" in last(lines)["exception"]


def test_values_that_are_no_json_do_not_stop_logging(lines: io.StringIO) -> None:
    logger.info("odd", extra={"odd": object(), "bytes": b"\xff", "set": {1}})
    assert last(lines)["message"] == "odd"


def test_libraries_say_less_but_say_what_is_wrong(lines: io.StringIO) -> None:
    logging.getLogger("azure.core.pipeline").info("request")
    assert not lines.getvalue()
    logging.getLogger("azure.core.pipeline").warning("trouble")
    logging.getLogger("faststream").error("handler failed")
    assert last(lines)["logger"] == "faststream"
    assert len(lines.getvalue().splitlines()) == 2


def test_people_get_plain_lines() -> None:
    stream = io.StringIO()
    settings = ServiceSettings(storage_connection_string="AccountName=a;AccountKey=b", log_format="console")
    configure_logging(settings, stream)
    logger.warning("look here", extra={at.LOCK_NAME: "ledger"})
    assert "look here" in stream.getvalue()
    assert "lock.name=ledger" in stream.getvalue()
