"""Where handlers run: child processes that can block, leak or crash without delaying a lease's renewal.

The supervisor (`pool`, `run_supervision`, `runner_process`) never imports user code. It starts runners ahead,
hands a run to an idle one over a socket pair (`frame_stream`, `messages`), writes steps and states for it,
and asks it to stop. A runner (`runner`, `runner_loop`, `runner_channel`) executes one handler at a time and
is used again (`between_jobs` puts back what the job changed), unless something of the job may still be alive
in it or its kind wants another process (`runner_reuse`). Deadlines and stop flags are in shared
memory (`deadline_table`): the handler's context reads them before each effect, and the deadline enforcer
(`deadline_enforcer`, `enforcer_watch`) kills the process group of a runner whose deadline has passed, even
while the supervisor is stopped.

Who dies with whom: a runner dies with the supervisor (parent-death signal), and the deadline enforcer, seeing
that, kills what the runner's handlers started. A killed or dead runner takes its process group with it.
Out of reach is only a process that a handler moved into a session of its own and that outlives its
parent.
"""

from worker.execution.errors import (
    CodeChangedError,
    EnforcerStartError,
    ExecutionError,
    RunnerStartError,
)
from worker.execution.kind_info import KindInfo
from worker.execution.pool import RunnerPool

__all__ = [
    "CodeChangedError",
    "EnforcerStartError",
    "ExecutionError",
    "KindInfo",
    "RunnerPool",
    "RunnerStartError",
]
