"""When a handler's first line was reached, and when it returned or raised."""

# Bound here, as a handler may replace the module's function.
from time import time as wall_clock


class HandlerTimes:
    """Encloses the call of a handler, in whichever thread, and notes when it begins and ends."""

    def __init__(self) -> None:
        #: Seconds since the epoch; None until then.
        self.began: float | None = None
        self.ended: float | None = None

    def __enter__(self) -> None:
        self.began = wall_clock()

    def __exit__(self, *_: object) -> None:
        self.ended = wall_clock()
