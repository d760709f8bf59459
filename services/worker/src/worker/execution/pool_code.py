"""The code of a pool: all its runners have loaded the same files, and the same kinds."""

import asyncio

from worker.execution.code_version import CodeVersion
from worker.execution.errors import CodeChangedError, RunnerStartError
from worker.execution.kind_info import KindInfo, kinds_of
from worker.execution.messages import Hello


class PoolCode:
    """What the first runner has loaded, and whether the next ones may join it."""

    def __init__(self) -> None:
        self.kinds: dict[str, KindInfo] = {}
        #: Set once a runner could not be started because the code has changed.
        self.change: CodeChangedError | None = None
        self._version: CodeVersion | None = None

    async def check(self) -> None:
        """Raise CodeChangedError when the files are not those that the first runner has loaded."""
        if self._version is None:
            return
        # In a thread: the files of a large program are many, and may be on a network disk.
        file = await asyncio.to_thread(self._version.changed_file)
        if file is not None:
            self.change = CodeChangedError(
                f"{file} has changed since this worker has loaded it. "
                "The worker stops, and has the new code when it is started again."
            )
            raise self.change

    async def accept(self, hello: Hello) -> None:
        """Take in what a runner has loaded: of the first one all, of the others only the same.

        Raises CodeChangedError, or RunnerStartError when the kinds differ without a change of files.
        """
        found = kinds_of(hello.kinds)
        if self._version is None:
            self._version = await asyncio.to_thread(CodeVersion, hello.files)
            self.kinds = found
            return
        await self.check()
        if found != self.kinds:
            names = ", ".join(sorted(found)) or "none"
            raise RunnerStartError(
                f"a runner has other kinds than the first one, now: {names}. "
                "The modules with jobs must define the same kinds at each import."
            )
