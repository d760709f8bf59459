"""What handlers log: sent by the runner within bounds, and written to the worker's log as it was."""

import logging

import pytest

from contracts.telemetry import attributes as at
from worker.execution import log_forwarding, messages
from worker.execution.job_log import log_for
from worker.execution.log_forwarding import ForwardingHandler


@pytest.fixture
def sent():
    return []


@pytest.fixture
def log(sent, clock):
    logger = logging.Logger("some.library")  # noqa: LOG001 - one of its own, without a parent
    logger.addHandler(ForwardingHandler(sent.append))
    return logger


def made(**attributes):
    """Return a record as a handler's library may make it."""
    return logging.makeLogRecord({"name": "a", "levelno": logging.INFO, "msg": "x", **attributes})


def test_a_record_is_sent_with_its_level_name_text_and_attributes(log, sent):
    log.warning("%s of %d", "one", 2, extra={"share": 0.5, "name_of": "x", "none": None, "flag": True})
    assert sent == [
        messages.Log(
            level=logging.WARNING,
            logger="some.library",
            message="one of 2",
            extra={"share": 0.5, "name_of": "x", "none": None, "flag": True},
        )
    ]


def test_an_attribute_that_json_lacks_becomes_text(log, sent):
    endless = []
    endless.append(endless)
    log.info("x", extra={"odd": {1}, "list": [1, {"a": None}], "endless": endless, "bad": "a\ud800"})
    assert sent[0].extra == {
        "odd": "{1}",
        "list": [1, {"a": None}],
        "endless": "[[...]]",
        "bad": "a?",
    }


@pytest.mark.parametrize(("length", "is_cut"), [(4096, False), (4097, True)])
def test_an_attribute_has_4096_characters_at_most(log, sent, length, is_cut):
    log.info("x", extra={"text": "t" * length, "list": ["l" * (length - 4)], "odd": Long(length)})
    assert sent[0].extra == {
        "text": "t" * 4096 + ("… (4,097 characters)" if is_cut else ""),
        "list": f'["{"l" * 4093}"]'[:4096] + "… (4,097 characters)" if is_cut else ["l" * 4092],
        "odd": "o" * 4096 + ("… (4,097 characters)" if is_cut else ""),
    }


class Long:
    def __init__(self, length):
        self.length = length

    def __str__(self):
        return "o" * self.length


def test_a_record_has_80_attributes_at_most_with_the_ordinary_ones(log, sent):
    log.info("x", extra={f"a{number}": number for number in range(100)})
    ordinary = len(vars(logging.makeLogRecord({})))
    assert list(sent[0].extra) == [f"a{number}" for number in range(80 - ordinary)]


def test_names_and_texts_are_cut(log, sent):
    log.name = "n" * 201
    log.info("m" * 16_385, extra={"k" * 101: 1})
    assert sent[0].logger == "n" * 200 + "… (201 characters)"
    assert sent[0].message == "m" * 16_384 + "… (16,385 characters)"
    assert sent[0].extra == {"k" * 100 + "… (101 characters)": 1}


def test_a_traceback_is_sent_as_text(log, sent):
    def fail():
        raise KeyError("here")

    try:
        fail()
    except KeyError:
        log.exception("failed")
    log.info("fine")
    assert sent[0].traceback.startswith("Traceback (most recent call last):")
    assert sent[0].traceback.endswith("KeyError: 'here'")
    assert sent[1].traceback is None


def test_a_traceback_that_is_text_already_is_sent_as_it_is(log, sent):
    log.handle(made(exc_text="Traceback of another process"))
    assert sent[0].traceback == "Traceback of another process"


def test_1000_records_may_come_at_once_and_200_a_second_and_the_rest_is_counted(log, sent, clock):
    for _ in range(1003):
        log.info("x")
    assert len(sent) == 1000
    assert not any(record.extra for record in sent)
    clock.now += 0.0078125
    log.info("y")
    log.info("y")
    assert len(sent) == 1001
    assert sent[-1].extra == {at.DROPPED: 3}
    clock.now += 100
    log.info("z")
    assert sent[-1].extra == {at.DROPPED: 1}
    log.info("z")
    assert sent[-1].extra == {}


def test_a_record_belongs_to_the_span_it_was_made_in(sent, clock):
    spans = iter(["00ab", None])
    handler = ForwardingHandler(sent.append, lambda: next(spans))
    for _ in range(2):
        handler.handle(made())
    assert [record.extra for record in sent] == [{at.SPAN_ID: "00ab"}, {}]


def test_a_record_that_cannot_be_sent_does_not_fail_the_job(clock, capsys):
    def refuse(message):
        raise RuntimeError("the wire is broken")

    ForwardingHandler(refuse).handle(made())
    assert "the wire is broken" in capsys.readouterr().err


def a_record(**fields):
    return messages.Log(**{"level": logging.INFO, "logger": "jobs.a", "message": "100 %s", **fields})


def test_the_workers_log_shows_a_record_under_its_name_with_the_runs_labels(caplog):
    caplog.set_level(logging.INFO)
    log_for(a_record(level=logging.ERROR, extra={"share": 1}, traceback="Traceback"), {at.JOB_ID: "j"})
    (record,) = caplog.records
    assert (record.name, record.levelname, record.getMessage()) == ("jobs.a", "ERROR", "100 %s")
    assert (record.share, getattr(record, at.JOB_ID)) == (1, "j")
    assert getattr(record, at.EXCEPTION_STACKTRACE) == "Traceback"


def test_a_record_without_a_traceback_has_none(caplog):
    caplog.set_level(logging.INFO)
    log_for(a_record(), {})
    assert not hasattr(caplog.records[0], at.EXCEPTION_STACKTRACE)


def test_a_record_cannot_pretend_to_be_of_another_run_or_to_be_another_record(caplog):
    caplog.set_level(logging.INFO)
    forged = {at.JOB_ID: "forged", "levelname": "CRITICAL", "message": "m", "asctime": "then", "args": [1]}
    log_for(a_record(extra=forged), {at.JOB_ID: "j"})
    (record,) = caplog.records
    assert (getattr(record, at.JOB_ID), record.levelname, record.args) == ("j", "INFO", ())
    assert record.getMessage() == "100 %s"


def test_a_record_below_the_workers_level_is_not_written(caplog, monkeypatch):
    handled = []
    monkeypatch.setattr(logging.getLogger("turnstile.jobs"), "handle", handled.append)
    caplog.set_level(logging.WARNING)
    log_for(a_record(level=logging.INFO), {})
    log_for(a_record(level=logging.WARNING), {})
    assert [record.levelno for record in handled] == [logging.WARNING]


def test_no_logger_is_made_for_the_names_that_handlers_make_up(caplog):
    caplog.set_level(logging.INFO)
    log_for(a_record(logger="made.up.by.a.handler"), {})
    assert caplog.records[0].name == "made.up.by.a.handler"
    assert "made.up.by.a.handler" not in logging.root.manager.loggerDict


@pytest.mark.parametrize(("seconds", "allowed"), [(0.125, 25), (0.2495, 49)])
def test_exactly_200_more_records_are_allowed_for_each_second(log, sent, clock, seconds, allowed):
    for _ in range(1000):
        log.info("x")
    sent.clear()
    clock.now += seconds
    for _ in range(100):
        log.info("y")
    assert len(sent) == allowed


def test_what_a_formatter_left_on_a_record_is_no_attribute_of_the_handlers(log, sent):
    log.handle(made(message="m", asctime="then", taskName="Task-1", own=1))
    assert sent[0].extra == {"own": 1}


def test_a_number_is_sent_as_it_is_however_many_digits_it_has(log, sent):
    log.info("x", extra={"large": 10**4200})
    assert sent[0].extra == {"large": 10**4200}


def test_a_record_cannot_pretend_to_be_of_another_task(caplog):
    caplog.set_level(logging.INFO)
    log_for(a_record(extra={"taskName": "forged"}), {})
    assert getattr(caplog.records[0], "taskName", None) != "forged"


def test_a_handlers_attribute_does_not_pass_for_one_of_ours(caplog):
    caplog.set_level(logging.INFO)
    log_for(
        a_record(extra={"job_id": "theirs", "reason": "theirs", at.DROPPED: 3, "customer": "c"}),
        {at.JOB_ID: "ours"},
    )
    found = vars(caplog.records[0])
    assert (found[at.JOB_ID], found["handler.job_id"], found["handler.reason"]) == (
        "ours",
        "theirs",
        "theirs",
    )
    assert (found[at.DROPPED], found["customer"]) == (3, "c")
    assert "job_id" not in found


def elsewhere(monkeypatch):
    """Let the calling code take itself for a forked process, and return what it prints."""
    printed = []
    monkeypatch.setattr(log_forwarding.HomeProcess, "is_elsewhere", True)
    monkeypatch.setattr(log_forwarding.os, "write", lambda fd, data: printed.append((fd, data)))
    return printed


def test_a_forked_process_prints_its_records_and_sends_nothing(log, sent, monkeypatch):
    printed = elsewhere(monkeypatch)
    log.warning("one of %d", 2)
    assert (sent, printed) == ([], [(2, b"WARNING some.library: one of 2\n")])


def test_what_a_forked_process_prints_fits_into_one_piece(log, monkeypatch):
    printed = elsewhere(monkeypatch)
    try:
        raise ValueError("ü" * 5000 + "end")
    except ValueError:
        log.exception("m" * 5000)
    ((_, data),) = printed
    assert len(data) <= 4096
    assert data.startswith(b"ERROR some.library: mmm")
    assert data.endswith(b"\n")
