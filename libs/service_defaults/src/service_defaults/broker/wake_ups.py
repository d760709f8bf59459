"""Wake-ups of one lock that are asked for at the same time become few messages.

A wake-up says that a lock has work, and one sent after two jobs were written says so of both. So at most one
of a lock is on its way, and one waits behind it.
"""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from coordination.ports import WakeUp

#: The lock, and whether it was just given back, which a worker treats differently.
_Key = tuple[str, bool]


@dataclass
class _Next:
    """The newest wake-up of a lock that is not sent yet, where it comes from, and who waits for it."""

    wake_up: WakeUp
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    sent: asyncio.Future[bool] = field(default_factory=asyncio.Future)


class SharedWakeUps:
    """Sends wake-ups by `send`, and fewer than it is asked for where it can.

    `send` never fails; it returns whether the broker has the message.
    """

    def __init__(self, send: Callable[[WakeUp], Coroutine[Any, Any, bool]], timeout: float) -> None:
        self._send = send
        self._timeout = timeout
        self._next: dict[_Key, _Next] = {}
        self._senders: dict[_Key, asyncio.Task[None]] = {}

    async def send(self, wake_up: WakeUp) -> bool:
        """Return when a wake-up has been sent that was not on its way yet, or after the timeout.

        Return whether the broker has it; False after the timeout, when it may have it all the same.
        """
        key = wake_up.lock_name, wake_up.released
        waiting = self._next.get(key)
        behind = _Next(wake_up) if waiting is None else _Next(wake_up, sent=waiting.sent)
        self._next[key] = behind
        if key not in self._senders:
            self._senders[key] = asyncio.get_running_loop().create_task(self._send_all(key))
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeout):
                # The others wait for it, too.
                return await asyncio.shield(behind.sent)
        return False

    async def _send_all(self, key: _Key) -> None:
        try:
            while (behind := self._next.pop(key, None)) is not None:
                # In the context of who asked: the message belongs to the trace of its job.
                sending = asyncio.get_running_loop().create_task(
                    self._send(behind.wake_up), context=behind.context
                )
                is_sent = False
                try:
                    is_sent = await sending
                finally:
                    behind.sent.set_result(is_sent)
        finally:
            del self._senders[key]
            if (left := self._next.pop(key, None)) is not None:
                left.sent.set_result(False)
