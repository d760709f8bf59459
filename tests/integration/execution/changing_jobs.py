"""Jobs that change their process, and jobs that look at it, for the tests of the runner pool."""

# ruff: noqa: ASYNC222, PTH109

import asyncio
import atexit
import logging
import logging.config
import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from pydantic import BaseModel

from turnstile import JobContext, SyncJobContext, job

MIB = 1024 * 1024
KEPT: list[bytearray] = []


class Place(BaseModel):
    file: Path


@job("migrates")
async def migrates(ctx: JobContext) -> int:
    logging.config.dictConfig({"version": 1, "root": {"level": "WARNING", "handlers": []}})
    os.environ["PGPASSWORD"] = "secret"
    os.chdir("/")
    os.umask(0)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.alarm(1)
    return os.getpid()


@job("looks")
def looks(ctx: SyncJobContext) -> list[object]:
    ctx.logger.info("looked")
    mask = os.umask(0o022)
    os.umask(mask)
    return [
        os.getpid(),
        os.environ.get("PGPASSWORD"),
        os.getcwd(),
        mask,
        signal.getitimer(signal.ITIMER_REAL)[0],
    ]


@job("hangs")
async def hangs(ctx: JobContext) -> None:
    ctx.progress(0, 1)
    time.sleep(600)  # noqa: ASYNC251


def crunch(part: int) -> int:
    for row in range(1200):
        logging.getLogger("crunch").info("row %d of part %d: %s", row, part, "x" * 100)
    return part


@job("process-pool")
async def process_pool(ctx: JobContext) -> list[int]:
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(4, get_context("fork")) as pool:
        return list(await asyncio.gather(*(loop.run_in_executor(pool, crunch, n) for n in range(4))))


@job("idle-second")
async def idle_second(ctx: JobContext) -> list[float]:
    before = time.process_time()
    await asyncio.sleep(1)
    return [os.getpid(), time.process_time() - before]


@job("forks-and-returns")
async def forks_and_returns(ctx: JobContext) -> int:
    pid = os.fork()
    if pid == 0:
        logging.getLogger("child").warning("from the child")
        return 7
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@job("forks-in-a-thread")
def forks_in_a_thread(ctx: SyncJobContext) -> int:
    pid = os.fork()
    if pid == 0:
        ctx.progress(1, 2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@job("leaks")
async def leaks(ctx: JobContext) -> int:
    KEPT.append(bytearray(100 * MIB))
    return len(KEPT)


@job("innocent")
async def innocent(ctx: JobContext) -> int:
    return len(bytearray(150 * MIB))


@job("alone", fresh_process=True)
async def alone(ctx: JobContext) -> int:
    return os.getpid()


@job("registers")
async def registers(ctx: JobContext, parameters: Place) -> None:
    atexit.register(parameters.file.write_text, "flushed")
