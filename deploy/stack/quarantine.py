"""Prints the messages in quarantine and their reasons: `python -m deploy.stack.quarantine`."""

import sys
from typing import Any

import httpx

from deploy.errors import SettingError
from deploy.processes.ports import LOOPBACK
from deploy.stack.settings import PREFIX, StackSettings

_MOST = 50
_LONGEST_BODY = 2_000


def main() -> int:
    """Print what is in quarantine and return the exit code."""
    try:
        messages = read(StackSettings.load())
    except (SettingError, httpx.HTTPError) as error:
        print(f"RabbitMQ's management interface does not answer ({error}); is the stack up?", file=sys.stderr)
        return 1
    print(
        "Nothing is in quarantine." if not messages else f"{len(messages)} in quarantine, the oldest first:"
    )
    for message in messages:
        print(f"\n  {_reason(message)}\n  {message['payload'][:_LONGEST_BODY]}")
    return 0


def read(settings: StackSettings) -> list[dict[str, Any]]:
    """Return the oldest messages in quarantine, and leave them there."""
    namespace = settings.text("RABBITMQ_NAMESPACE") or "turnstile"
    queue = f"http://{LOOPBACK}:{settings.port('RABBITMQ_MANAGEMENT_PORT')}/api/queues/%2F/{namespace}.jobs.quarantine"
    wanted = {"count": _MOST, "ackmode": "ack_requeue_true", "encoding": "auto"}
    login = (settings.values[f"{PREFIX}RABBITMQ_USER"], settings.values[f"{PREFIX}RABBITMQ_PASSWORD"])
    answer = httpx.post(f"{queue}/get", json=wanted, auth=login, timeout=10)
    # The services declare the queue when they start.
    if answer.status_code == httpx.codes.NOT_FOUND:
        return []
    messages: list[dict[str, Any]] = answer.raise_for_status().json()
    return messages


def _reason(message: dict[str, Any]) -> str:
    headers = message["properties"].get("headers", {})
    if "x-reason" in headers:
        return str(headers["x-reason"])
    death = (headers.get("x-death") or [{}])[0]
    reason, queue = death.get("reason", "unknown reason"), death.get("queue", "?")
    return f"moved to quarantine by RabbitMQ: {reason} in {queue}"


if __name__ == "__main__":
    raise SystemExit(main())
