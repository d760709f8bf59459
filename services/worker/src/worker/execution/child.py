"""A child process that leads a group of its own and is watched until it is reaped."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import ClassVar

from worker.execution.deadline_enforcer import kill_group

#: How long the rest of a killed group may take to vanish. Only a process stuck in the kernel takes longer.
_GROUP_SECONDS = 1.0


class Child:
    """A process, started in a session and process group of its own.

    Must be made in the thread that lives as long as the supervisor: the parent-death signal follows the
    thread that started the process. `on_exit` is called once, after the process is dead and reaped and the
    rest of its group was sent SIGKILL.
    """

    #: Process ids of those not reaped: of this whole process, as its children are.
    known: ClassVar[set[int]] = set()

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        output: int,
        pass_fds: Sequence[int],
        on_exit: Callable[[], None],
    ) -> None:
        self._on_exit = on_exit
        self._loop = asyncio.get_running_loop()
        self._process = subprocess.Popen(  # noqa: S603 - the program is ours
            arguments,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=pass_fds,
            start_new_session=True,
        )
        self.pid = self._process.pid
        self.known.add(self.pid)
        #: Set once the process is dead and reaped.
        self.gone = asyncio.Event()
        self._pidfd = os.pidfd_open(self.pid)
        self._loop.add_reader(self._pidfd, self._reap)

    @property
    def is_alive(self) -> bool:
        """Whether the process has not been reaped."""
        return not self.gone.is_set()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process alone; nothing happens once it is reaped."""
        if self.is_alive:
            os.kill(self.pid, number)  # not Popen's own, which would reap the process unseen

    def kill(self) -> None:
        """Kill the process and its group; nothing happens once it is reaped."""
        if self.is_alive:
            kill_group(self.pid)

    async def wait(self) -> None:
        """Wait until the process is reaped and its group is empty, as far as that can be waited for."""
        await self.gone.wait()
        until = time.monotonic() + _GROUP_SECONDS
        while _group_exists(self.pid) and time.monotonic() < until:  # noqa: ASYNC110 - no other way
            await asyncio.sleep(0.005)

    def describe_end(self) -> str:
        """Return how the process ended."""
        code = self._process.returncode
        if code is None:
            return "is alive"
        if code >= 0:
            return f"exited with code {code}"
        try:
            return f"was killed by signal {signal.Signals(-code).name}"
        except ValueError:
            return f"was killed by signal {-code}"

    def _reap(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        # Before the process is reaped: until then its id, and so its group's, belongs to no other process.
        kill_group(self.pid)
        self._process.wait()
        self.known.discard(self.pid)
        self.gone.set()
        self._on_exit()


def _group_exists(pid: int) -> bool:
    # Orphans of a runner become our own children (RunnerPool.start), and a dead one counts until waited for.
    with suppress(ChildProcessError):
        while os.waitpid(-pid, os.WNOHANG)[0]:
            pass
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
