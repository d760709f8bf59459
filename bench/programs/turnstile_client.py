"""Turnstile's client: `python -m bench.programs.turnstile_client URL BATCH`."""

import asyncio
import sys

import aiohttp

from bench.batch import Batch, Work
from bench.programs.client import submit_all


async def main(url: str, batch: Batch) -> None:
    """Submit over HTTP, each client over a connection that stays open."""
    connector = aiohttp.TCPConnector(limit=batch.clients)
    async with aiohttp.ClientSession(url, connector=connector) as session:

        async def submit(work: Work) -> str:
            parameters = {"number": work.number, "steps": work.steps, "gate": work.gate}
            body = {"kind": "bench", "lock": work.lock, "parameters": parameters}
            async with session.post("/api/v1/jobs", json=body) as answer:
                answer.raise_for_status()
                return str((await answer.json())["job_id"])

        await submit_all(batch, submit)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Batch.read(sys.argv[2])))
