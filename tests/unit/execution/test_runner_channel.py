"""A run's way from its handler to the supervisor: in order, answered, and closed with the run."""

import asyncio
import threading

import pytest
from tests.waiting import until

from turnstile.channels import RecordedStep, StopReason
from turnstile.errors import ForkedError, NotRecordedError, RunOverError
from worker.execution import messages, rate_limit, runner_channel
from worker.execution.runner_channel import LoopSender, RunnerChannel
from worker.execution.tracing import RunnerTracing


class View:
    reason = None

    def stop_reason(self):
        return self.reason


class Tracing(RunnerTracing):
    def __init__(self):
        self.spans = {}

    def take(self, step):
        return self.spans.pop(step, None)

    def step(self, name, stem):
        return f"scope of {name}, {stem}"


class Clock:
    now = 10.0

    def monotonic(self):
        return self.now


class Case:
    def __init__(self):
        self.frames = []
        self.view, self.tracing = View(), Tracing()
        self.sender = LoopSender(self.frames.append)
        self.channel = RunnerChannel(3, self.sender, self.view, self.tracing)

    @property
    def sent(self):
        return [messages.read_from_runner(frame) for frame in self.frames]

    def shown(self):
        return [(report.value, report.limit, report.step) for report in self.sent]


@pytest.fixture
async def case(monkeypatch):
    monkeypatch.setattr(runner_channel, "_REPORT_EVERY_SECONDS", 3600)
    return Case()


async def test_a_step_is_sent_with_all_of_it_and_its_span(case):
    case.tracing.spans["load"] = {"name": "x"}
    future = case.channel.record_step(RecordedStep("load", "1", 0.5, '"s"'))
    case.channel.save_state('"t"')
    case.channel.record_step(RecordedStep("load#2", "2", 0.25))
    about = {"run": 3, "seconds": 0.5}
    assert case.sent == [
        messages.RecordStep(**about, number=1, name="load", result="1", state='"s"', span={"name": "x"}),
        messages.SaveState(run=3, number=2, state='"t"'),
        messages.RecordStep(run=3, number=3, name="load#2", result="2", seconds=0.25, state=None),
    ]
    assert not future.done()


async def test_a_forked_process_sends_nothing(case, monkeypatch):
    monkeypatch.setattr(runner_channel.HomeProcess, "is_elsewhere", True)
    for use in (
        lambda: case.channel.record_step(RecordedStep("load", "1", 0.5)),
        lambda: case.channel.save_state("1"),
        lambda: case.channel.report(1, 2, "s"),
    ):
        with pytest.raises(ForkedError):
            use()
    case.channel.send_span({"name": "x"})
    assert case.frames == []


async def test_each_answer_is_for_the_step_or_state_of_its_number(case):
    first = case.channel.record_step(RecordedStep("a", "1", 0))
    second = case.channel.save_state("1")
    case.channel.answer(messages.Answer(number=2, error="too large"))
    assert (first.done(), type(second.exception())) == (False, NotRecordedError)
    assert str(second.exception()) == "too large"
    case.channel.answer(messages.Answer(number=2))
    case.channel.answer(messages.Answer(number=7))
    case.channel.answer(messages.Answer(number=1))
    assert first.result(0) is None


async def test_an_answer_for_what_is_no_longer_awaited_is_ignored(case):
    future = case.channel.save_state("1")
    assert future.cancel()
    case.channel.answer(messages.Answer(number=1))
    other = case.channel.save_state("2")
    assert other.cancel()
    case.channel.close()


async def test_at_the_end_of_a_run_what_waits_and_what_comes_is_told_that_it_is_over(case):
    waiting = case.channel.record_step(RecordedStep("a", "1", 0))
    case.channel.close()
    with pytest.raises(RunOverError):
        waiting.result(0)
    sent = len(case.frames)
    for late in (case.channel.save_state("1"), case.channel.record_step(RecordedStep("b", "1", 0))):
        with pytest.raises(RunOverError):
            late.result(0)
    case.channel.send_span({"name": "late"})
    assert len(case.frames) == sent
    case.channel.answer(messages.Answer(number=1))


async def test_a_step_waits_while_100_are_unwritten_and_is_sent_in_turn(case):
    futures = [case.channel.record_step(RecordedStep(str(number), "1", 0)) for number in range(1, 103)]
    state = case.channel.save_state("1")
    assert [message.number for message in case.sent] == list(range(1, 101))
    case.channel.answer(messages.Answer(number=7))
    assert [message.number for message in case.sent[100:]] == [101]
    case.channel.answer(messages.Answer(number=101, error="too large"))
    case.channel.answer(messages.Answer(number=1))
    assert [message.number for message in case.sent[101:]] == [102, 103]
    assert [number for number, future in enumerate(futures, 1) if future.done()] == [1, 7, 101]
    case.channel.answer(messages.Answer(number=103))
    assert state.result(0) is None


async def test_a_step_waits_while_2_mebi_characters_are_unwritten(case):
    large = 1024 * 1024
    for number in range(4):
        case.channel.record_step(RecordedStep(str(number), "x" * (large - 1), 0))
    case.channel.save_state("x" * 2 * large)
    case.channel.save_state("")
    assert [message.number for message in case.sent] == [1, 2]
    case.channel.answer(messages.Answer(number=2))
    assert [message.number for message in case.sent] == [1, 2, 3]
    for number in (1, 3):
        case.channel.answer(messages.Answer(number=number))
    assert [message.number for message in case.sent] == [1, 2, 3, 4]
    case.channel.answer(messages.Answer(number=4))
    assert [message.number for message in case.sent] == [1, 2, 3, 4, 5, 6]


async def test_what_waits_at_the_end_of_a_run_is_not_sent(case):
    futures = [case.channel.save_state(str(number)) for number in range(101)]
    case.channel.close()
    case.channel.answer(messages.Answer(number=1))
    assert len(case.sent) == 100
    with pytest.raises(RunOverError):
        futures[-1].result(0)


async def test_the_reason_to_stop_is_the_cells_until_the_run_is_over(case):
    assert case.channel.stop_reason() is None
    case.view.reason = StopReason.CANCELLED
    assert case.channel.stop_reason() is StopReason.CANCELLED
    case.channel.close()
    assert case.channel.stop_reason() is StopReason.OVER


async def test_the_first_report_is_shown_at_once_and_the_last_of_the_others_later(case, monkeypatch):
    monkeypatch.setattr(runner_channel, "_REPORT_EVERY_SECONDS", 0.02)
    case.channel.report(1, 10, "a")
    assert case.shown() == [(1, 10, "a")]
    case.channel.report(2, 10, "a")
    case.channel.report(3, 10, "b")
    assert len(case.frames) == 1
    await until(lambda: len(case.frames) == 2)
    assert case.shown()[1] == (3, 10, "b")
    case.channel.report(4, None, "")
    await until(lambda: len(case.frames) == 3)
    assert case.shown()[2] == (4, None, "")


async def test_after_a_while_without_reports_the_next_is_shown_at_once(case, monkeypatch):
    monkeypatch.setattr(runner_channel, "_REPORT_EVERY_SECONDS", 0.01)
    case.channel.report(1, 10, "a")
    await until(lambda: case.channel._timer is None)
    assert len(case.frames) == 1
    case.channel.report(2, 10, "a")
    assert case.shown() == [(1, 10, "a"), (2, 10, "a")]
    case.channel.close()


async def test_a_handler_that_blocks_the_event_loop_shows_a_report_when_its_time_has_come(case, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(runner_channel, "monotonic", clock.monotonic)
    monkeypatch.setattr(runner_channel, "_REPORT_EVERY_SECONDS", 0.1)
    for number in range(1, 8):
        case.channel.report(number, 7, "a")
        clock.now += 0.04
    assert case.shown() == [(1, 7, "a"), (4, 7, "a"), (7, 7, "a")]


async def test_at_the_end_of_a_run_the_last_report_is_shown_and_none_after_it(case, monkeypatch):
    monkeypatch.setattr(runner_channel, "_REPORT_EVERY_SECONDS", 0.01)
    case.channel.report(1, 10, "a")
    case.channel.report(2, 10, "a")
    case.channel.close()
    assert case.shown() == [(1, 10, "a"), (2, 10, "a")]
    assert case.channel._timer.cancelled()
    case.channel.close()
    assert len(case.frames) == 2


async def test_the_name_of_a_step_is_cut_in_a_report(case):
    case.channel.report(None, None, "s" * 251)
    assert case.shown() == [(None, None, "s" * 250 + "… (251 characters)")]


async def test_reports_belong_to_their_run(case):
    case.channel.report(1, 2, "a")
    case.channel.send_span({"name": "x"}, "a")
    assert case.sent == [
        messages.Report(run=3, value=1, limit=2, step="a"),
        messages.Span(run=3, span={"name": "x"}, step="a"),
    ]


async def test_what_a_thread_sends_is_sent_by_the_event_loops_thread(case):
    threads = []
    case.sender._send_frame = lambda frame: threads.append(threading.get_ident())
    await asyncio.to_thread(case.channel.save_state, "1")
    await asyncio.to_thread(case.channel.report, 1, 2, "a")
    await until(lambda: len(threads) == 2)
    assert set(threads) == {threading.get_ident()}


async def test_1000_spans_may_come_at_once_and_200_a_second_and_the_rest_is_counted(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(rate_limit, "time", clock)
    case = Case()
    for _ in range(1002):
        case.channel.send_span({})
    assert len(case.frames) == 1000
    clock.now += 0.0125
    for _ in range(3):
        case.channel.send_span({})
    assert len(case.frames) == 1002
    assert case.channel.take_dropped_spans() == 3
    assert case.channel.take_dropped_spans() == 0


async def test_the_work_of_a_step_is_surrounded_by_its_span(case):
    assert case.channel.step_scope("load#2", "load") == "scope of load#2, load"
