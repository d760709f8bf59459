"""A supervisor in a process of its own, for the tests to stop and kill: runs one job and prints process ids.

python -m tests.integration.execution.host <kind> <folder> <hard deadline in seconds from now>
"""

import asyncio
import json
import sys

from tests.integration.execution.rig import JOBS, FakeRun, enforcer, environment, runners

from worker.execution import RunnerPool
from worker.execution.deadline_table import boot_time


async def main(kind: str, folder: str, seconds: float) -> None:
    """Run the job once its deadline is set, and say who is who as soon as it shows progress."""
    pool = RunnerPool(1, [JOBS], environment=environment())
    await pool.start()
    run = FakeRun(kind, {"folder": folder}, hard=boot_time() + seconds, soft=boot_time() + seconds - 0.1)
    task = await run.started_on(pool)
    (runner,) = runners(pool)
    print(json.dumps({"runner": runner, "enforcer": enforcer(pool)}), flush=True)
    print(json.dumps({"outcome": type(await task).__name__}), flush=True)
    await pool.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
