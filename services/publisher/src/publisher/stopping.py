"""The signal to stop, known while the server still waits for its requests to end."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class ShutdownSignal:
    """Whether the process got a signal to stop: streams end then, or the server would wait for them."""

    def __init__(self) -> None:
        self.received = False

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Note the signals before their handlers do, for as long as the context lasts."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        earlier = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

        def notice(number: int, frame: FrameType | None) -> None:
            self.received = True
            handler = earlier[signal.Signals(number)]
            if callable(handler):
                handler(number, frame)

        for number in earlier:
            signal.signal(number, notice)
        try:
            yield
        finally:
            self.received = True
            for number, handler in earlier.items():
                signal.signal(number, handler)
