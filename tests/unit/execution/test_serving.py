"""How a runner calls handlers, and what it tells of their ends."""

import asyncio
import contextvars
import threading
import time
from contextlib import contextmanager

import pytest
from pydantic import BaseModel
from tests.unit.execution.served import a_start
from tests.waiting import until

from turnstile import JobContext, RunOverError, SyncJobContext, job
from worker.execution import forks, messages, runner_channel, runner_loop
from worker.execution.tracing import RunnerTracing

variable = contextvars.ContextVar("variable", default="unset")


class Amount(BaseModel):
    amount: int


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_handler_gets_all_of_its_attempt_and_its_result_is_told(serve, is_async):
    def all_of(ctx, parameters):
        identity = [ctx.job_id, ctx.kind, ctx.lock, ctx.attempt, ctx.interruptions, ctx.fence]
        return [*identity, ctx.traceparent, ctx.state, ctx.step("load").result, parameters.amount]

    @job("a")
    async def body(ctx: JobContext, parameters: Amount):
        return all_of(ctx, parameters)

    @job("a")
    def plain(ctx: SyncJobContext, parameters: Amount):
        return all_of(ctx, parameters)

    served = serve(body if is_async else plain)
    about = {"job_id": "j-1", "lock": "ledger", "attempt": 4, "interruptions": 2, "fence": 9, "run": 7}
    left = {"recorded": {"load": '"x"'}, "state": '"s"', "traceparent": "00-t"}
    done = await served.run("a", parameters='{"amount": 3}', **about, **left)
    result = '["j-1","a","ledger",4,2,9,"00-t","s","x",3]'
    assert done == messages.Done(run=7, result=result)


async def test_a_history_in_parts_belongs_to_the_next_run_alone(serve):
    @job("a")
    async def body(ctx: JobContext):
        return [ctx.step(name).done for name in "xyz"]

    served = serve(body)
    served.say(messages.History(recorded={"x": "1"}), messages.History(recorded={"y": "2"}))
    assert (await served.run("a", recorded={"z": "3"})).result == "[true,true,true]"
    assert (await served.run("a", run=2)).result == "[false,false,false]"
    served.say(messages.History(recorded={"x": "1"}))
    assert (await served.run("other", run=3)).error_type == "UnknownKind"
    assert (await served.run("a", run=4)).result == "[false,false,false]"
    assert [begun.run for begun in served.of(messages.Begun)] == [1, 2, 3, 4]


async def test_a_kind_that_is_not_loaded_fails(serve):
    done = await serve().run("other", run=2)
    text = "this runner has not loaded kind 'other'"
    assert done == messages.Done(run=2, error_type="UnknownKind", error_message=text)


async def test_parameters_that_do_not_fit_fail_before_the_handler_is_called(serve):
    calls = []

    @job("a")
    async def body(ctx: JobContext, parameters: Amount):
        calls.append(parameters)

    done = await serve(body).run("a")
    assert (done.error_type, done.error_message) == ("InvalidParameters", "amount: Field required")
    assert calls == []


@pytest.mark.parametrize("error", [ValueError("odd"), SystemExit("odd"), KeyboardInterrupt("odd")])
@pytest.mark.parametrize("is_async", [True, False])
async def test_whatever_a_handler_raises_fails_its_job_alone(serve, is_async, error):
    @job("a")
    async def body(ctx: JobContext):
        raise error

    @job("a")
    def plain(ctx: SyncJobContext):
        raise error

    @job("b")
    async def fine(ctx: JobContext): ...

    served = serve(body if is_async else plain, fine)
    done = await served.run("a")
    expected = (None, type(error).__name__, "odd", False)
    assert (done.result, done.error_type, done.error_message, done.was_stopped) == expected
    assert await served.run("b", run=2) == messages.Done(run=2, result="null")


async def test_a_result_that_is_not_json_fails(serve):
    @job("a")
    async def body(ctx: JobContext):
        return object()

    done = await serve(body).run("a")
    assert done.error_type == "NotStorableError"
    assert done.error_message.startswith("the result is not JSON")


async def test_a_lack_of_memory_taints_the_runner(serve):
    @job("a")
    async def body(ctx: JobContext):
        raise MemoryError

    assert (await serve(body).run("a")).is_tainted


async def test_a_plain_handler_has_a_thread_of_its_own_for_each_run(serve):
    threads = []

    @job("a")
    def plain(ctx: SyncJobContext):
        threads.append(threading.current_thread())
        threads[-1].mark = variable.get()
        variable.set("changed")

    served = serve(plain)
    for run in (1, 2):
        assert (await served.run("a", run=run)).result == "null"
    assert [thread.mark for thread in threads] == ["unset", "unset"]
    assert [(thread.name, thread.daemon) for thread in threads] == [("handler", False)] * 2
    assert threads[0] is not threads[1]
    assert not any(thread.is_alive() for thread in threads)


async def test_what_one_run_sets_in_its_context_the_next_does_not_find(serve):
    @job("a")
    async def body(ctx: JobContext):
        before = variable.get()
        variable.set("changed")
        return before

    served = serve(body)
    assert (await served.run("a")).result == (await served.run("a")).result == '"unset"'


async def test_a_step_goes_on_when_it_is_answered(serve):
    @job("a")
    async def body(ctx: JobContext):
        await ctx.run_step("one", lambda: 1)
        return "through"

    served = serve(body)
    served.say(messages.Answer(number=1), a_start("a", run=4))
    await until(lambda: served.of(messages.RecordStep))
    (step,) = served.of(messages.RecordStep)
    assert (step.run, step.number, step.name) == (4, 1, "one")
    assert served.of(messages.Done) == []
    served.say(messages.Answer(number=1))
    assert (await served.done()).result == '"through"'


async def test_the_run_in_progress_is_known(serve):
    seen = []

    @job("a")
    async def body(ctx: JobContext):
        seen.append(served.serving.run)

    served = serve(body)
    assert served.serving.run is None
    await served.run("a", run=6)
    assert (seen, served.serving.run) == ([6], None)


async def test_after_its_end_a_runs_context_is_over(serve):
    kept = []

    @job("a")
    async def body(ctx: JobContext):
        kept.append(ctx)

    await serve(body).run("a")
    with pytest.raises(RunOverError):
        kept[0].check()


async def test_serving_ends_when_the_supervisor_hangs_up(serve):
    served = serve()
    task = asyncio.create_task(served.serving.serve())
    await asyncio.sleep(0)
    assert not task.done()
    served.wire.close()
    async with asyncio.timeout(5):
        await task


async def test_a_handler_runs_in_the_trace_of_its_run_and_the_spans_that_were_too_many_are_counted(
    serve, monkeypatch
):
    monkeypatch.setattr(runner_channel, "_SPAN_RATE", 0.0)
    seen = []

    class Tracing(RunnerTracing):
        @contextmanager
        def run(self, traceparent, send):
            seen.append(traceparent)
            for _ in range(1003):
                send({})
            yield
            seen.append("left")

    @job("a")
    async def body(ctx: JobContext):
        seen.append("handler")

    served = serve(body, tracing=Tracing())
    done = await served.run("a", run_traceparent="00-run", traceparent="00-submission")
    assert seen == ["00-run", "handler", "left"]
    assert (len(served.of(messages.Span)), done.dropped_spans) == (1000, 3)


async def test_a_runner_whose_own_code_fails_ends_at_once(serve, monkeypatch, capsys):
    exits = []
    monkeypatch.setattr(runner_loop.os, "_exit", exits.append)

    class Broken(RunnerTracing):
        def run(self, traceparent, send):
            raise RuntimeError("a fault of the runner")

    served = serve(tracing=Broken())
    served.say(a_start("a"))
    await until(lambda: exits)
    assert exits == [70]
    assert "a fault of the runner" in capsys.readouterr().err


async def test_what_a_handler_printed_is_on_its_way_before_its_end_is_told(serve, monkeypatch):
    class Stream:
        def __init__(self):
            self.flushes = 0

        def flush(self):
            self.flushes += 1
            assert served.of(messages.Done) == []
            raise ValueError("closed by user code")

    @job("a")
    async def body(ctx: JobContext): ...

    served = serve(body)
    streams = Stream(), Stream()
    monkeypatch.setattr(forks.sys, "stdout", streams[0])
    monkeypatch.setattr(forks.sys, "stderr", streams[1])
    done = await served.run("a")
    monkeypatch.undo()
    assert done.result == "null"
    assert [stream.flushes for stream in streams] == [1, 1]


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("is_async", [False, True])
async def test_done_says_when_the_first_line_was_reached_and_when_the_handler_left(serve, is_async, fails):
    inside = []

    def work():
        inside.append(time.time())
        if fails:
            raise ValueError
        inside.append(time.time())

    @job("plain")
    def plain(ctx: SyncJobContext):
        work()
        time.sleep(0.01)

    @job("async")
    async def coroutine(ctx: JobContext):
        work()
        await asyncio.sleep(0.01)

    before = time.time()
    began, ended = await serve(plain, coroutine).times("async" if is_async else "plain")
    assert before <= began <= inside[0]
    assert inside[-1] <= ended <= time.time()
    assert fails or ended - began >= 0.009


async def test_done_says_nothing_of_a_handler_that_was_not_called(serve):
    assert await serve().times("b") == (None, None)
