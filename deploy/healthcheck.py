#!/app/bin/python -IS
"""Asks the service in this container whether it can work; the exit code is the answer."""

import http.client
import os


def main() -> int:
    """Return the exit code."""
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["TURNSTILE_PORT"]), timeout=4)
    try:
        connection.request("GET", "/health/ready")
        return 0 if connection.getresponse().status == http.HTTPStatus.OK else 1
    except OSError:
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
