"""Where handlers run: child processes that can block, leak or crash without delaying a lease's renewal.

The supervisor (`pool`, `supervision`, `runner_process`) never imports user code. It starts runners ahead,
hands a run to an idle one over a socket pair (`wire`, `messages`), writes steps and states for it, and
tells it to stop. A runner (`runner`, `serving`, `runner_channel`) executes one handler at a time and is
used again, unless something of the job may still be alive in it. Deadlines and stop flags stand in shared
memory (`slots`): the handler's context reads them before each effect, and the guillotine (`guillotine`,
`guillotine_watch`) kills the process group of a runner whose deadline has passed, even while the
supervisor is stopped.

Who dies with whom: a runner dies with the supervisor (parent-death signal), and the guillotine, seeing
that, kills what the runner's handlers started. A killed or dead runner takes its process group with it.
Out of reach is only a process that a handler moved into a session of its own and that outlives its
parent.
"""

from worker.execution.errors import ExecutionError, GuillotineStartError, RunnerStartError
from worker.execution.pool import KindInfo, RunnerPool

__all__ = ["ExecutionError", "GuillotineStartError", "KindInfo", "RunnerPool", "RunnerStartError"]
