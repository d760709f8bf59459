"""The receivers of all inputs: they run next to each other, and none waits for another."""

import asyncio
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from coordination.ports import Clock
from inputs.receiver import Receiver
from service_defaults.app import in_background
from service_defaults.health import NotReadyError

#: Seconds after which a queue that did not answer makes this service not ready.
_SILENT_AFTER = 60.0


class Receivers:
    """Runs a receiver for each input, by its name."""

    def __init__(self, receivers: Mapping[str, Receiver], clock: Clock) -> None:
        self._receivers = receivers
        self._clock = clock
        self._running: Sequence[asyncio.Task[None]] = ()

    def start(self) -> None:
        """Take messages from now on; the service ends when a receiver fails."""
        self._running = [in_background(receiver.run()) for receiver in self._receivers.values()]

    async def stop(self) -> None:
        """Settle what is in hand, or give it back; return when everything is disconnected."""
        for receiver in self._receivers.values():
            receiver.stop()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def check(self) -> None:
        """Raise NotReadyError when a queue has not answered for a minute, or not at all."""
        now = self._clock.boot()
        silent = [
            name
            for name, receiver in self._receivers.items()
            if receiver.answered_at is None or now - receiver.answered_at > _SILENT_AFTER
        ]
        if silent:
            raise NotReadyError(f"no answer from {', '.join(silent)}")

    def details(self) -> Mapping[str, JsonValue]:
        """Return the names of the inputs, for the heartbeat."""
        return {"inputs": list(self._receivers)}
