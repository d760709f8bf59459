"""How a handler's error is reported to the supervisor."""

import asyncio
import logging

import pytest

from contracts.telemetry import attributes as at
from turnstile import FailJob, InvalidParametersError, JobCancelledError, RetryLater, RunContext
from turnstile.channels import Attempt, StopReason
from turnstile.testing import InMemoryChannel
from worker.execution.error_texts import text_of
from worker.execution.failures import describe, describe_process_end
from worker.execution.messages import read_from_runner, write


@pytest.fixture
def channel():
    return InMemoryChannel()


@pytest.fixture
def context(channel):
    return RunContext(Attempt("j", "k"), channel)


def raised(error):
    try:
        raise error
    except BaseException as caught:  # noqa: BLE001 - whatever it is
        return caught


class Mute(Exception):  # noqa: N818 - what handlers raise need not be called an error
    def __str__(self):
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("odd"), "odd"),
        (ValueError(), "ValueError without a message"),
        (KeyError("x"), "'x'"),
        (Mute(), "Mute without a message"),
        (ValueError("m" * 4000), "m" * 4000),
        (ValueError("m" * 4001), "m" * 4000 + "… (4,001 characters)"),
        (ValueError("a\ud800"), "a?"),
    ],
)
def test_an_errors_message_is_never_empty_and_has_4000_characters_at_most(error, text):
    assert text_of(error) == text


def test_an_unexpected_error_is_told_and_logged_with_its_traceback(context, caplog):
    done = describe(3, raised(ValueError("odd")), context)
    assert (done.run, done.error_type, done.error_message, done.result) == (3, "ValueError", "odd", None)
    assert (done.was_stopped, done.is_tainted) == (False, False)
    assert done.traceback.startswith("Traceback (most recent call last):\n")
    assert "in raised\n    raise error\n" in done.traceback
    assert done.traceback.endswith("ValueError: odd\n")
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("turnstile.jobs.k", logging.ERROR)
    assert getattr(record, at.ERROR_TYPE) == "ValueError"
    assert record.exc_info[0] is ValueError


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (FailJob("no"), "FailJob"),
        (InvalidParametersError("at: missing"), "InvalidParameters"),
        (asyncio.CancelledError(), "CancelledError"),
    ],
)
def test_an_expected_end_is_told_without_a_traceback(context, caplog, error, name):
    done = describe(1, raised(error), context, was_stopped=True)
    assert (done.error_type, done.was_stopped, done.traceback) == (name, True, "")
    assert caplog.records == []


def test_a_cancelled_error_of_the_handlers_own_is_told_and_logged_with_its_traceback(context, caplog):
    done = describe(1, raised(asyncio.CancelledError("mine")), context)
    assert (done.error_type, done.error_message) == ("CancelledError", "mine")
    assert done.traceback.endswith("CancelledError: mine\n")
    assert caplog.messages == ["handler raised"]


class NoAccount(FailJob):
    pass


@pytest.mark.parametrize(
    ("errors", "name", "text"),
    [
        ([FailJob("no such account")], "FailJob", "no such account"),
        ([NoAccount("4711")], "NoAccount", "4711"),
        ([FailJob("one"), NoAccount("two")], "FailJob", "one; two"),
        ([BaseExceptionGroup("inner", [FailJob("one")]), FailJob("two")], "FailJob", "one; two"),
    ],
)
def test_a_group_of_nothing_but_reasons_to_fail_is_a_reason_to_fail(context, caplog, errors, name, text):
    done = describe(1, raised(BaseExceptionGroup("unhandled", errors)), context)
    assert (done.error_type, done.error_message, done.traceback) == (name, text, "")
    assert caplog.records == []


def test_a_group_with_another_error_is_a_surprise_that_names_all_of_them(context, caplog):
    group = ExceptionGroup("unhandled", [FailJob("no"), ValueError("odd"), KeyError()])
    done = describe(1, raised(group), context)
    assert done.error_type == "ExceptionGroup"
    assert done.error_message == "unhandled (3 sub-exceptions): FailJob: no; ValueError: odd; KeyError"
    assert done.traceback
    assert caplog.messages == ["handler raised"]


def test_a_lack_of_memory_within_a_group_taints_the_runner(context):
    assert describe(1, raised(ExceptionGroup("unhandled", [MemoryError()])), context).is_tainted
    assert not describe(1, raised(ExceptionGroup("unhandled", [ValueError()])), context).is_tainted


def test_an_errors_text_has_its_notes_and_causes():
    error, cause = ValueError("odd"), KeyError("x")
    cause.__cause__ = OSError(5, "I/O")
    error.__cause__ = cause
    error.add_note("in row 7")
    cause.__notes__ = "no list"
    assert text_of(error) == "odd\nin row 7, caused by KeyError: 'x', caused by OSError: [Errno 5] I/O"


def test_the_reason_of_a_fail_job_stands_alone():
    error = FailJob("no such account")
    error.__cause__ = KeyError("x")
    assert text_of(error) == "no such account"


def test_a_text_names_at_most_20_errors_and_5_levels():
    many = ExceptionGroup("many", [ValueError(str(number)) for number in range(50)])
    assert text_of(many).endswith("; ValueError: 18; ValueError: 19; …")
    deep = ValueError("0")
    for number in range(1, 9):
        deep = ExceptionGroup(str(number), [deep])
    assert text_of(deep).endswith("ExceptionGroup: 3 (1 sub-exception)")
    around = ValueError("a")
    around.__cause__ = ValueError("b")
    around.__cause__.__cause__ = around
    assert text_of(around).count("ValueError") == 5


def test_an_error_while_stopping_is_told_without_a_traceback(context, channel, caplog):
    channel.stop = StopReason.CANCELLED
    with pytest.raises(JobCancelledError) as caught:
        context.check()
    done = describe(1, caught.value, context, was_stopped=True)
    assert (done.error_type, done.error_message) == ("JobCancelledError", "the job was cancelled")
    assert done.traceback == ""
    assert caplog.records == []


@pytest.mark.parametrize("text", ["m", "\N{GRINNING FACE}", "\ud800"])
def test_of_a_long_traceback_the_end_is_kept_and_it_can_be_sent(context, text):
    done = describe(1, raised(ValueError(text * 20_000 + "the end")), context)
    assert len(done.traceback) < 16_500
    assert done.traceback.endswith("the end\n")
    assert " characters) …" in done.traceback[:30]
    assert read_from_runner(write(done)) == done


def test_an_error_that_cannot_be_written_down_is_reported_without_a_traceback(context, monkeypatch):
    def without_memory(error):
        raise MemoryError

    monkeypatch.setattr("traceback.format_exception", without_memory)
    done = describe_process_end(1, raised(ValueError("odd")))
    assert (done.error_message, done.traceback) == ("odd", "")


def test_a_lack_of_memory_lets_go_of_what_the_handler_held_and_taints_the_runner(context):
    def hoard():
        held = bytearray(10)
        raise MemoryError(str(len(held)))

    with pytest.raises(MemoryError) as caught:
        hoard()
    frames = caught.value.__traceback__
    while frames.tb_next:
        frames = frames.tb_next
    assert "held" in frames.tb_frame.f_locals
    done = describe(1, caught.value, context)
    assert done.is_tainted
    assert "held" not in frames.tb_frame.f_locals


def test_an_errors_type_has_200_characters_at_most(context):
    error = type("E" * 201, (Exception,), {})
    assert describe(1, raised(error()), context).error_type == "E" * 200 + "… (201 characters)"


def test_the_end_of_the_whole_process_taints_it():
    done = describe_process_end(4, raised(SystemExit("enough")))
    assert done.traceback.endswith("SystemExit: enough\n")
    assert (done.run, done.error_type, done.error_message) == (4, "SystemExit", "enough")
    assert done.is_tainted
    assert not done.was_stopped


# --- what decides about another attempt ---------------------------------------------------


class LateError(TimeoutError):
    pass


def test_an_error_has_the_full_names_of_its_classes(context):
    done = describe(1, raised(LateError("no answer")), context)
    mine = f"{__name__}.LateError"
    assert done.error_classes == [mine, "TimeoutError", "OSError", "Exception", "BaseException"]
    assert done.retry_after is None
    assert read_from_runner(write(done)) == done


def test_a_group_has_the_classes_of_what_it_holds(context):
    done = describe(1, raised(ExceptionGroup("two", [KeyError("a"), LateError("b")])), context)
    assert done.error_classes[0] == "ExceptionGroup"
    assert {"KeyError", "LookupError", "TimeoutError"} <= set(done.error_classes)


def test_a_job_that_failed_for_good_has_no_classes(context):
    for error in (FailJob("no such account"), InvalidParametersError("amount: missing")):
        assert describe(1, raised(error), context).error_classes == []


def test_an_error_that_ends_the_loop_may_be_followed_by_another_attempt():
    assert describe_process_end(1, raised(SystemExit(3))).error_classes[0] == "SystemExit"


def test_a_handler_says_when_it_wants_to_be_called_again(context, caplog):
    done = describe(1, raised(RetryLater(30, "the bank is closed")), context)
    assert (done.error_type, done.error_message, done.retry_after) == ("RetryLater", "the bank is closed", 30)
    assert (done.traceback, caplog.records) == ("", [])
    assert done.error_classes[0] == "turnstile.errors.RetryLater"


def test_the_trail_has_the_error_that_a_retry_comes_from(context):
    try:
        try:
            raise KeyError("x")
        except KeyError as error:
            raise RetryLater(5) from error
    except RetryLater as later:
        done = describe(1, later, context)
    assert (done.error_type, done.error_message, done.retry_after) == ("KeyError", "'x'", 5)
    assert done.error_classes[:2] == ["KeyError", "LookupError"]


def test_of_several_retries_in_a_group_the_latest_counts(context):
    group = ExceptionGroup("tasks", [RetryLater(5), ExceptionGroup("more", [RetryLater(60)])])
    assert describe(1, raised(group), context).retry_after == 60
    mixed = ExceptionGroup("tasks", [RetryLater(5), ValueError("odd")])
    assert describe(1, raised(mixed), context).retry_after is None
