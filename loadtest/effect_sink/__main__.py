"""The effect sink: stands for the world outside, knows nothing of Turnstile, and judges by fences alone.

Takes effects by POST /effects, {"key": …, "slot": …, "fence": …, "job": …, "step": …}: 204 is accepted,
409 refused as the slot of the key was seen with a higher fence, other 4xx not an effect. Without a slot it is
slot 0. GET /metrics counts them. Every effect, refused ones too, becomes a line of the ledger. Prints its
port, serves until SIGTERM.

Independent on purpose: what it has seen is evidence that no part of the tested system could have forged.
"""

import argparse
import signal
import threading
from pathlib import Path

from loadtest.effect_sink.ledger import Ledger
from loadtest.effect_sink.server import EffectServer


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.effect_sink",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("ledger", type=Path, help="the file that gets one JSON line per effect")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; by default a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    arguments = parser.parse_args()
    try:
        server = EffectServer(arguments.host, arguments.port, Ledger(arguments.ledger))
    except (OSError, OverflowError) as error:
        parser.error(f"cannot serve {arguments.ledger} at {arguments.host}:{arguments.port}: {error}")
    for number in (signal.SIGTERM, signal.SIGINT):
        # Not from the handler itself: shutdown waits for the loop that the handler interrupted.
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(server.server_port, flush=True)
    with server:
        server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
