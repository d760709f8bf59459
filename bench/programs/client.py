"""Submitting a batch by several clients at the same time, and printing how it went. Standard library only."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from bench.batch import Batch, Submitted, Work


async def submit_all(batch: Batch, submit: Callable[[Work], Awaitable[str]]) -> None:
    """Submit a batch and print how it went; `submit` returns a job's id when the job is accepted."""
    works, seconds, last = batch.works(), list[float](), ""

    async def client() -> None:
        nonlocal last
        # The generator has no await within: each job goes to one client.
        for work in works:
            began = time.perf_counter()
            last = await submit(work)
            seconds.append(time.perf_counter() - began)

    began, processor = time.monotonic_ns(), time.process_time()
    await asyncio.gather(*(client() for _ in range(batch.clients)))
    _print(began, processor, seconds, last)


def submit_all_blocking(batch: Batch, submit: Callable[[Work], str]) -> None:
    """Submit a batch by threads, and print how it went."""
    seconds, last = list[float](), ""

    def one(work: Work) -> None:
        nonlocal last
        began = time.perf_counter()
        last = submit(work)
        seconds.append(time.perf_counter() - began)

    began, processor = time.monotonic_ns(), time.process_time()
    with ThreadPoolExecutor(batch.clients) as pool:
        list(pool.map(one, batch.works()))
    _print(began, processor, seconds, last)


def _print(began: int, processor: float, seconds: list[float], last: str) -> None:
    ended = time.monotonic_ns()
    print(Submitted(began, ended, tuple(seconds), time.process_time() - processor, last).text())
