"""Jobs that do what jobs should not, for the tests of the runner pool."""

# ruff: noqa: ASYNC220, ASYNC221, ASYNC251, PTH115, PTH208, SIM105

import asyncio
import ctypes
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, Field

from turnstile import FailJob, JobContext, RetryLater, RetryPolicy, SyncJobContext, job


class Number(BaseModel):
    number: int = Field(1, ge=0)


class Folder(BaseModel):
    folder: Path


@job("nothing")
async def nothing(ctx: JobContext) -> None:
    """Do nothing."""


@job("sync-nothing")
def sync_nothing(ctx: SyncJobContext) -> None:
    """Do nothing in a thread."""


@job("echo", description="Give back what it got.")
async def echo(ctx: JobContext, parameters: Number) -> dict[str, object]:
    return {
        "number": parameters.number,
        "pid": os.getpid(),
        "attempt": ctx.attempt,
        "fence": ctx.fence,
        "properties": ctx.properties,
        "progress": [ctx.last_progress_value, ctx.last_progress_limit],
    }


@job(
    "comes-back",
    retry=RetryPolicy(4, timedelta(seconds=5), jitter=0.5, except_for=(KeyError, "json.JSONDecodeError")),
)
async def comes_back(ctx: JobContext, parameters: Number) -> None:
    if parameters.number:
        raise RetryLater(parameters.number)
    raise FileNotFoundError("gone")


@job("environment")
async def environment(ctx: JobContext) -> list[str]:
    return sorted(os.environ)


@job("steps")
async def steps(ctx: JobContext, parameters: Number) -> list[object]:
    results = []
    for number in range(1, parameters.number + 1):
        results.append(await ctx.run_step("square", pow, number, 2))
        ctx.progress(number, parameters.number)
    return results


@job("sync-steps")
def sync_steps(ctx: SyncJobContext, parameters: Number) -> list[object]:
    results = []
    for number in range(1, parameters.number + 1):
        with ctx.step(f"step {number}") as step:
            if not step.done:
                ctx.save_state({"at": number})
                step.result = number * number
        results.append(step.result)
        ctx.progress(number, parameters.number)
    return results


@job("state")
async def state(ctx: JobContext) -> object:
    before = ctx.state
    await ctx.save_state({"attempt": ctx.attempt})
    return before


@job("raises")
async def raises(ctx: JobContext) -> None:
    raise RuntimeError("out of order")


@job("raises-with-a-secret")
async def raises_with_a_secret(ctx: JobContext) -> None:
    """Raise an error whose text, and whose cause's text, hold secrets."""
    try:
        raise ConnectionError("AccountName=a;AccountKey=canary-of-the-cause;x=1")
    except ConnectionError as error:
        raise RuntimeError("cannot reach postgres://app:canary-of-the-job@db/") from error


@job("fails-cleanly")
async def fails_cleanly(ctx: JobContext) -> None:
    raise FailJob("no such account")


@job("system-exit")
async def system_exit(ctx: JobContext) -> None:
    sys.exit("enough")


@job("sync-keyboard-interrupt")
def sync_keyboard_interrupt(ctx: SyncJobContext) -> None:
    raise KeyboardInterrupt


@job("system-exit-in-task")
async def system_exit_in_task(ctx: JobContext) -> None:
    async def leave() -> None:
        sys.exit("from a task")

    await asyncio.create_task(leave())


@job("os-exit")
async def os_exit(ctx: JobContext) -> None:
    os._exit(3)


@job("step-then-os-exit")
async def step_then_os_exit(ctx: JobContext) -> str:
    if ctx.attempt == 1:
        await ctx.run_step("first", lambda: "done")
        os._exit(3)
    return str(await ctx.run_step("first", lambda: "done again"))


@job("segfault")
async def segfault(ctx: JobContext) -> None:
    ctypes.string_at(0)


@job("blocks-loop")
async def blocks_loop(ctx: JobContext) -> None:
    ctx.progress(0, 1)
    time.sleep(600)


@job("spins-in-c")
async def spins_in_c(ctx: JobContext) -> None:
    ctx.progress(0, 1)
    re.match(r"(a+)+$", "a" * 60 + "b")


@job("allocates")
async def allocates(ctx: JobContext) -> None:
    hoard = []
    while True:
        hoard.append(bytearray(16 * 1024 * 1024))


@job("allocates-in-c")
def allocates_in_c(ctx: SyncJobContext) -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    while block := libc.malloc(16 * 1024 * 1024):
        ctypes.memset(block, 1, 16 * 1024 * 1024)
    os.abort()


@job("sleeps")
async def sleeps(ctx: JobContext) -> None:
    ctx.progress(0, 1)
    await asyncio.sleep(600)


@job("sleeps-briefly", timeout=timedelta(seconds=0.3))
async def sleeps_briefly(ctx: JobContext) -> None:
    await asyncio.sleep(600)


@job("saves-when-cancelled")
async def saves_when_cancelled(ctx: JobContext) -> None:
    ctx.progress(0, 1)
    try:
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        await ctx.save_state("was cancelled")
        raise


@job("cleans-up-slowly")
async def cleans_up_slowly(ctx: JobContext) -> None:
    ctx.progress(0, 1)
    try:
        await asyncio.sleep(600)
    finally:
        await ctx.save_state("cleaning up")
        await asyncio.sleep(0.2)
        await ctx.save_state("cleaned up")


@job("swallows-cancel")
async def swallows_cancel(ctx: JobContext) -> None:
    ctx.progress(0, 1)
    while True:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            print("not me", flush=True)


@job("swallows-cancel-and-returns")
async def swallows_cancel_and_returns(ctx: JobContext) -> str:
    ctx.progress(0, 1)
    try:
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        return "half done"
    return "done"


@job("sync-checks")
def sync_checks(ctx: SyncJobContext) -> None:
    ctx.progress(0, 1)
    ctx.sleep(600)


@job("sync-deaf")
def sync_deaf(ctx: SyncJobContext) -> None:
    ctx.progress(0, 1)
    time.sleep(600)


@job("blocked-but-checks")
async def blocked_but_checks(ctx: JobContext) -> None:
    ctx.progress(0, 1)
    while True:
        time.sleep(0.01)
        ctx.check()


@job("grandchild")
async def grandchild(ctx: JobContext, parameters: Folder) -> None:
    process = subprocess.Popen(["sleep", "600"])
    (parameters.folder / "grandchild").write_text(f"{process.pid} {os.getpid()}")
    ctx.progress(0, 1)
    await asyncio.sleep(600)


@job("grandchild-and-blocks")
async def grandchild_and_blocks(ctx: JobContext, parameters: Folder) -> None:
    process = subprocess.Popen(["sleep", "600"])
    (parameters.folder / "grandchild").write_text(f"{process.pid} {os.getpid()}")
    ctx.progress(0, 1)
    time.sleep(600)


@job("detaches")
async def detaches(ctx: JobContext, parameters: Folder) -> None:
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    # A daemon: its parent, in a session of its own, too, is gone at once.
    daemon = subprocess.check_output(["setsid", "sh", "-c", "setsid sleep 600 >/dev/null & echo $!"])
    (parameters.folder / "detached").write_text(f"{process.pid} {int(daemon)}")
    ctx.progress(0, 1)
    await asyncio.sleep(600)


@job("leaves-grandchild")
async def leaves_grandchild(ctx: JobContext, parameters: Folder) -> None:
    process = subprocess.Popen(["sleep", "600"])
    (parameters.folder / "grandchild").write_text(f"{process.pid} {os.getpid()}")


@job("leaves-orphan")
async def leaves_orphan(ctx: JobContext, parameters: Folder) -> None:
    path = parameters.folder / "grandchild"
    subprocess.run(["sh", "-c", f"sleep 600 & echo $! {os.getpid()} > {path}"], check=True)


@job("leaves-thread")
def leaves_thread(ctx: SyncJobContext) -> int:
    threading.Thread(target=time.sleep, args=(600,)).start()
    return os.getpid()


@job("leaves-task")
async def leaves_task(ctx: JobContext) -> int:
    ctx.kept = asyncio.create_task(asyncio.sleep(600))  # type: ignore[attr-defined]
    return os.getpid()


@job("leaves-to-thread")
async def leaves_to_thread(ctx: JobContext) -> int:
    try:
        await asyncio.wait_for(asyncio.to_thread(time.sleep, 600), 0.05)
    except TimeoutError:
        pass
    return os.getpid()


@job("to-thread")
async def to_thread(ctx: JobContext) -> int:
    await asyncio.to_thread(time.sleep, 0)
    return os.getpid()


@job("prints")
async def prints(ctx: JobContext) -> None:
    print("hello from the handler")
    print("x" * 20_000)
    os.system("echo from a child")
    sys.stderr.write("no newline")


@job("floods-output")
def floods_output(ctx: SyncJobContext) -> None:
    ctx.progress(0, 1)
    line = b"all work and no play\n" * 1000
    while True:
        os.write(1, line)


@job("floods-log")
def floods_log(ctx: SyncJobContext) -> None:
    ctx.progress(0, 1)
    while True:
        ctx.logger.info("all work and no play")


@job("floods-progress")
def floods_progress(ctx: SyncJobContext, parameters: Number) -> None:
    for number in range(parameters.number):
        ctx.progress(number + 1, parameters.number)


@job("logs")
async def logs(ctx: JobContext) -> None:
    ctx.logger.info("half way", extra={"share": 0.5, "job.id": "forged"})
    logging.getLogger("some.library").warning("careful", extra={"odd": {1, 2}})


@job("too-large-result")
async def too_large_result(ctx: JobContext) -> str:
    return "x" * 300_000


@job("too-large-step")
async def too_large_step(ctx: JobContext) -> None:
    async with ctx.step("load") as step:
        step.result = "x" * 300_000


@job("largest-step")
async def largest_step(ctx: JobContext) -> str:
    async with ctx.step("load") as step:
        await ctx.save_state('"' * 131_000)
        step.result = "\\" * 131_000
    return "ü" * 131_000


@job("not-json")
async def not_json(ctx: JobContext) -> object:
    return object()


@job("writes-to-the-wire")
async def writes_to_the_wire(ctx: JobContext, parameters: Number) -> None:
    for fd in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{fd}").startswith("socket:"):
                os.write(int(fd), b"\xff" * 64 if parameters.number else b"\0\0\0\2{}")
        except OSError:
            continue
    await asyncio.sleep(600)


@job("closes-everything")
async def closes_everything(ctx: JobContext) -> None:
    os.closerange(3, 1000)
    time.sleep(600)


@job("kills-itself")
async def kills_itself(ctx: JobContext) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@job("forks")
async def forks(ctx: JobContext) -> None:
    """A fork holds the wire open; the death of the runner must be seen all the same."""
    if os.fork() == 0:
        time.sleep(600)
    os._exit(5)
