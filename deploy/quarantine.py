"""Shows the messages that no service understood, and why, without taking them away."""

import base64
import json
import sys
import urllib.error
import urllib.request
from typing import Any

from deploy.ports import LOOPBACK
from deploy.settings import SettingError, StackSettings

_MOST = 50
_LONGEST_BODY = 2_000


def main() -> int:
    """Print what is in quarantine and return the exit code."""
    try:
        messages = read(StackSettings.load())
    except (SettingError, OSError) as error:
        print(f"RabbitMQ's management interface does not answer ({error}); is the stack up?", file=sys.stderr)
        return 1
    print(
        "Nothing is in quarantine." if not messages else f"{len(messages)} in quarantine, the oldest first:"
    )
    for message in messages:
        print(f"\n  {_reason(message)}\n  {message['payload'][:_LONGEST_BODY]}")
    return 0


def read(settings: StackSettings) -> list[dict[str, Any]]:
    """Return the oldest messages in quarantine; they stay there."""
    namespace = settings.text("RABBITMQ_NAMESPACE") or "turnstile"
    queue = f"http://{LOOPBACK}:{settings.port('RABBITMQ_MANAGEMENT_PORT')}/api/queues/%2F/{namespace}.jobs.quarantine"
    wanted = {"count": _MOST, "ackmode": "ack_requeue_true", "encoding": "auto"}
    login = f"{settings.text('RABBITMQ_USER')}:{settings.text('RABBITMQ_PASSWORD')}"
    request = urllib.request.Request(
        f"{queue}/get",
        json.dumps(wanted).encode(),
        {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            messages: list[dict[str, Any]] = json.load(answer)
    except urllib.error.HTTPError as error:
        # The services declare the queue when they start.
        if error.code == 404:
            return []
        raise
    return messages


def _reason(message: dict[str, Any]) -> str:
    headers = message["properties"].get("headers", {})
    if "x-reason" in headers:
        return str(headers["x-reason"])
    deaths = headers.get("x-death") or [{}]
    return (
        f"set aside by RabbitMQ: {deaths[0].get('reason', 'unknown reason')} in {deaths[0].get('queue', '?')}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
