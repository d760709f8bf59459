"""Having effects outside: one blocking request each to an effect sink, such as `loadtest.effect_sink`."""

import http.client
import json
import os

_TIMEOUT_SECONDS = 60.0


class RefusedEffectError(Exception):
    """The sink has seen a higher fence."""


def send(address: str, *, key: str, fence: int, job: str, step: str, slot: int = 0) -> None:
    """Have an effect. `address` is host:port; the fence counts within key and slot.

    Raises RefusedEffectError, or OSError when the sink is gone.
    """
    effect = {
        "key": key,
        "slot": slot,
        "fence": fence,
        "job": job,
        "step": step,
        # Runners are children of their worker.
        "worker": os.getppid(),
        "runner": os.getpid(),
    }
    connection = http.client.HTTPConnection(address, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("POST", "/effects", json.dumps(effect), {"Content-Type": "application/json"})
        status = connection.getresponse().status
    finally:
        connection.close()
    if status == http.HTTPStatus.CONFLICT:
        raise RefusedEffectError
    if status != http.HTTPStatus.NO_CONTENT:
        raise OSError(f"the sink answered {status}")
