#!/app/bin/python -IS
"""Asks the service in this container whether it can work and all that it uses is there.

The exit code is the answer. So `docker compose up --wait` returns when the services have found each other.
"""

import http.client
import json
import os


def main() -> int:
    """Return the exit code."""
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["TURNSTILE_PORT"]), timeout=4)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        checks = json.loads(answer.read())["checks"]
        return 0 if answer.status == http.HTTPStatus.OK and set(checks.values()) <= {"ok"} else 1
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError, AttributeError):
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
