"""Writes a run's steps and states, one after the other, as the runner sends them."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from coordination.holder.runs import Run, StepDone
from coordination.ports import CoordinationError, InvalidTransactionError
from turnstile.channels import NAMING
from worker.execution.messages import RecordStep, SaveState
from worker.execution.run_telemetry import RunTelemetry

logger = logging.getLogger("turnstile.execution")

#: Most steps and states that wait, and most characters: far more than a runner sends unanswered
#: (`runner_channel`), so that only one that does not keep to its bounds is killed for it.
_MAX_WAITING = 1000
_MAX_CHARACTERS = 8 * 1024 * 1024


class RunWriter:
    """Writes what it is given, in order.

    `answer` is called for each with its number, and with the reason when it can never be stored. `lose` is
    called when nothing may be written any more.
    """

    def __init__(
        self,
        run: Run,
        answer: Callable[[int, str | None], None],
        lose: Callable[[], None],
        labels: Mapping[str, Any],
        telemetry: RunTelemetry,
    ) -> None:
        self._run = run
        self._answer = answer
        self._lose = lose
        self._labels = labels
        self._telemetry = telemetry
        self._waiting: asyncio.Queue[RecordStep | SaveState] = asyncio.Queue()
        #: Characters of what waits and of what is being written.
        self._characters = 0
        self._task: asyncio.Task[None] | None = None
        self._is_stopped = False

    def put(self, message: RecordStep | SaveState) -> bool:
        """Take something to write, and return whether that was acceptable."""
        if self._is_stopped:
            return True  # it was on its way when the runner was killed
        characters = message.characters()
        if self._waiting.qsize() >= _MAX_WAITING or self._characters + characters > _MAX_CHARACTERS:
            return False
        self._characters += characters
        self._waiting.put_nowait(message)
        if self._task is None:
            self._task = asyncio.create_task(self._write())
        return True

    async def finish(self) -> None:
        """Wait until everything is written, or nothing may be any more."""
        if self._task is None:
            return
        joined = asyncio.create_task(self._waiting.join())
        try:
            await asyncio.wait({joined, self._task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            joined.cancel()

    def stop(self) -> None:
        """Write nothing more."""
        self._is_stopped = True
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    async def _write(self) -> None:
        while True:
            message = await self._waiting.get()
            try:
                await self._write_one(message)
            except InvalidTransactionError as error:
                self._answer(message.number, str(error))
            except CoordinationError:
                self._lose()  # fenced: the observer was notified where it was found
                return
            except Exception:
                # It is unknown what was written, so nothing may be written after it.
                logger.exception("recording a step or state failed", extra=self._labels)
                self._lose()
                return
            else:
                self._answer(message.number, None)
            finally:
                self._characters -= message.characters()
                self._waiting.task_done()

    async def _write_one(self, message: RecordStep | SaveState) -> None:
        if isinstance(message, SaveState):
            await self._run.save_state(message.state)
            return
        step = StepDone(
            message.name, message.result, message.seconds, message.state, self._run.naming or NAMING
        )
        try:
            await self._run.record_step(step)
        except BaseException as error:
            self._export_step(message, error)
            raise
        self._export_step(message)

    def _export_step(self, message: RecordStep, error: BaseException | None = None) -> None:
        if message.span is None:
            return
        try:
            self._telemetry.step_over(self._run, message.name, message.span, error)
        except Exception:  # whether the step is recorded does not depend on its telemetry
            logger.exception("step telemetry failed", extra=self._labels)
