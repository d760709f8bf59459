"""How a runner stops handlers, and what they leave behind."""

import asyncio
import threading
from contextlib import suppress

import pytest
from tests.unit.execution.served import a_start
from tests.waiting import until

from turnstile import JobContext, SyncJobContext, job
from turnstile.channels import StopReason
from worker.execution import messages, runner_loop


async def test_a_cancellation_reaches_an_async_handler_once(serve):
    notes = []

    @job("a")
    async def body(ctx: JobContext):
        notes.append("began")
        try:
            await asyncio.Event().wait()
        finally:
            may_end.set()
            served.say(messages.Cancel())
            for _ in range(20):
                await asyncio.sleep(0)
            notes.append("cleaned up")

    may_end = asyncio.Event()
    served = serve(body)
    served.say(a_start("a"))
    await until(lambda: notes)
    served.say(messages.Cancel())
    done = await served.done()
    assert notes == ["began", "cleaned up"]
    assert (done.error_type, done.was_stopped, done.result) == ("CancelledError", True, None)


async def test_a_handler_that_swallows_its_cancellation_and_returns_was_stopped(serve):
    @job("a")
    async def body(ctx: JobContext):
        served.say(messages.Cancel())
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "half"

    served = serve(body)
    done = await served.run("a")
    assert (done.result, done.was_stopped) == ('"half"', True)


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_handler_that_is_cancelled_before_it_begins_is_not_called(serve, is_async):
    calls = []

    @job("a")
    async def body(ctx: JobContext):
        calls.append(1)

    @job("a")
    def plain(ctx: SyncJobContext):
        calls.append(1)

    served = serve(body if is_async else plain)
    served.say(a_start("a"), messages.Cancel())
    done = await served.done()
    assert (done.error_type, done.was_stopped, calls) == ("CancelledError", True, [])
    assert (await served.run("a", run=2)).result == "null"
    assert calls == [1]


async def test_a_handler_that_cancels_itself_and_leaves_a_task_has_returned_all_the_same(serve):
    @job("a")
    async def body(ctx: JobContext):
        own = asyncio.current_task()
        assert own is not None
        left.append(asyncio.create_task(_cancelling(own)))
        await asyncio.sleep(0)
        own.cancel()
        return "returned"

    left: list[object] = []
    served = serve(body)
    assert await served.run("a") == messages.Done(run=1, result='"returned"')
    assert await served.run("a", run=2) == messages.Done(run=2, result='"returned"')


async def _cancelling(other):
    """Cancel another task when it is cancelled itself."""
    try:
        await asyncio.Event().wait()
    finally:
        other.cancel()


async def test_a_cancelled_error_of_the_handlers_own_fails_its_job_with_a_traceback(serve):
    @job("a")
    async def body(ctx: JobContext):
        task = asyncio.create_task(asyncio.sleep(60))
        task.cancel()
        await task

    done = await serve(body).run("a")
    assert (done.error_type, done.was_stopped, done.result) == ("CancelledError", False, None)
    assert "await task" in done.traceback


async def test_a_cancellation_of_one_run_does_not_reach_the_next(serve):
    @job("a")
    async def body(ctx: JobContext):
        if ctx.attempt == 1:
            served.say(messages.Cancel())
            await asyncio.Event().wait()
        for _ in range(20):
            await asyncio.sleep(0)
        return "through"

    served = serve(body)
    assert (await served.run("a")).was_stopped
    assert await served.run("a", run=2, attempt=2) == messages.Done(run=2, result='"through"')
    served.say(messages.Cancel())
    assert (await served.run("a", run=3, attempt=2)).result == '"through"'


async def test_a_plain_handler_that_did_not_notice_its_cancellation_was_not_stopped(serve):
    @job("a")
    def plain(ctx: SyncJobContext):
        began.set()
        assert may_end.wait(10)
        return 1

    began, may_end = threading.Event(), threading.Event()
    served = serve(plain)
    served.say(a_start("a"))
    await until(began.is_set)
    served.say(messages.Cancel())
    await until(lambda: served.serving._is_cancel_wanted)
    may_end.set()
    assert await served.done() == messages.Done(run=1, result="1")


@pytest.mark.parametrize("is_swallowed", [True, False])
async def test_a_handler_that_was_told_by_its_context_was_stopped(serve, is_swallowed):
    @job("a")
    def plain(ctx: SyncJobContext):
        served.cell.stop(StopReason.SHUTDOWN)
        try:
            ctx.check()
        except Exception:
            if not is_swallowed:
                raise
        return "all the same"

    served = serve(plain)
    done = await served.run("a")
    assert done.was_stopped
    assert done.result == ('"all the same"' if is_swallowed else None)


async def test_tasks_that_are_left_are_cancelled_and_leave_the_runner_clean(serve):
    ends = []

    async def stay():
        try:
            await asyncio.Event().wait()
        finally:
            ends.append(served.of(messages.Done))

    @job("a")
    async def body(ctx: JobContext):
        body.kept = [asyncio.create_task(stay()) for _ in range(2)]
        await asyncio.sleep(0)

    served = serve(body)
    assert await served.run("a") == messages.Done(run=1, result="null")
    assert ends == [[], []]


async def test_a_task_that_does_not_end_taints_the_runner(serve, monkeypatch):
    monkeypatch.setattr(runner_loop, "_LEFTOVERS_SECONDS", 0.01)
    may_end = asyncio.Event()

    async def stay():
        while not may_end.is_set():
            try:
                await may_end.wait()
            except asyncio.CancelledError:
                continue

    @job("a")
    async def body(ctx: JobContext):
        body.kept = asyncio.create_task(stay())
        await asyncio.sleep(0)

    done = await serve(body).run("a")
    assert (done.is_tainted, done.result) == (True, "null")
    may_end.set()
    await body.kept


@pytest.mark.parametrize(("is_daemon", "is_tainted"), [(False, True), (True, False)])
async def test_a_thread_that_is_left_taints_the_runner_unless_it_is_a_daemon(serve, is_daemon, is_tainted):
    may_end = threading.Event()
    earlier = threading.Thread(target=may_end.wait)
    earlier.start()

    @job("a")
    def plain(ctx: SyncJobContext):
        threads.append(threading.Thread(target=may_end.wait, daemon=is_daemon))
        threads[-1].start()

    @job("b")
    def nothing(ctx: SyncJobContext): ...

    threads = [earlier]
    served = serve(plain, nothing)
    clean, left = await served.run("b"), await served.run("a", run=2)
    may_end.set()
    for thread in threads:
        thread.join()
    assert (clean.is_tainted, left.is_tainted) == (False, is_tainted)


async def test_a_call_in_the_executor_that_is_left_taints_the_runner_and_one_that_is_over_does_not(serve):
    may_end = threading.Event()

    @job("over")
    async def over(ctx: JobContext):
        await asyncio.to_thread(int)

    @job("left")
    async def left(ctx: JobContext):
        left.kept = asyncio.get_running_loop().run_in_executor(None, may_end.wait)

    served = serve(over, left)
    assert not (await served.run("over")).is_tainted
    assert (await served.run("left", run=2)).is_tainted
    may_end.set()
    await left.kept


async def test_threads_of_the_executor_and_their_variables_end_with_the_job(serve):
    variables = threading.local()

    def count():
        variables.calls = getattr(variables, "calls", 0) + 1
        return variables.calls, threading.current_thread().name

    @job("a")
    async def body(ctx: JobContext):
        return await asyncio.to_thread(count)

    served = serve(body)
    for run in (1, 2):
        done = await served.run("a", run=run)
        assert (done.result, done.is_tainted) == ('[1,"turnstile-executor_0"]', False)
    await until(lambda: "turnstile-executor_0" not in [thread.name for thread in threading.enumerate()])


async def test_a_child_process_that_is_left_taints_the_runner(serve, monkeypatch):
    @job("a")
    async def body(ctx: JobContext): ...

    monkeypatch.setattr(runner_loop, "has_children", lambda: True)
    done = await serve(body).run("a")
    assert (done.result, done.is_tainted) == ("null", True)


async def test_a_cancellation_that_comes_too_late_for_the_handler_did_not_stop_it(serve):
    @job("a")
    async def body(ctx: JobContext):
        served.serving._cancel()
        return 1

    served = serve(body)
    assert await served.run("a") == messages.Done(run=1, result="1")
    assert (await served.run("a", run=2)).result == "1"


async def test_a_cancellation_after_the_handlers_end_does_not_reach_what_clears_up_behind_it(serve):
    async def stay():
        try:
            await asyncio.Event().wait()
        finally:
            served.serving._cancel()
            await asyncio.sleep(0)

    @job("a")
    async def body(ctx: JobContext):
        body.kept = asyncio.create_task(stay())
        await asyncio.sleep(0)

    served = serve(body)
    assert await served.run("a") == messages.Done(run=1, result="null")


async def test_a_cancellation_between_runs_is_passed_over(serve):
    @job("a")
    async def body(ctx: JobContext): ...

    faults = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, fault: faults.append(fault))
    served = serve(body)
    served.say(messages.Cancel())
    await until(lambda: served.serving._is_cancel_wanted)
    assert await served.run("a") == messages.Done(run=1, result="null")
    assert faults == []


async def test_a_runner_whose_serving_was_cancelled_ends_and_prints_what_is_left(monkeypatch):
    ends = []
    monkeypatch.setattr(runner_loop.os, "_exit", ends.append)
    monkeypatch.setattr(runner_loop, "flush_output", lambda: ends.append("flushed"))
    task = asyncio.create_task(asyncio.sleep(60))
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    runner_loop._must_have_succeeded(task)
    assert ends == ["flushed", 70]
