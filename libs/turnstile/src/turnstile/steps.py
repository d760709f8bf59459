"""Steps: the parts of a job that are done once, however often the job is interrupted."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

from turnstile.open_steps import OpenStep

if TYPE_CHECKING:
    from turnstile.context import JobContext, SyncJobContext


class Step(OpenStep):
    """A step of an async handler."""

    _context: "JobContext"

    async def __aenter__(self) -> Self:
        self._prepare()
        try:
            self._check_place()
            recorded = await self._context.unheard_records.hear(self.name)
            if recorded is not None:
                self.done, self._result = True, recorded
            self._begin()
        except BaseException:
            self._give_up()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_recorded = False
        try:
            self._end(kind, error, trace)
            if kind is None and not self.done:
                await self._context.commit_step(self._record())
            is_recorded = kind is None
        finally:
            self._close(is_recorded=is_recorded)


class SyncStep(OpenStep):
    """A step of a plain handler."""

    _context: "SyncJobContext"

    def __enter__(self) -> Self:
        self._prepare()
        try:
            self._check_place()
            self._begin()
        except BaseException:
            self._give_up()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_recorded = False
        try:
            self._end(kind, error, trace)
            if kind is None and not self.done:
                self._context.commit_step(self._record())
            is_recorded = kind is None
        finally:
            self._close(is_recorded=is_recorded)
