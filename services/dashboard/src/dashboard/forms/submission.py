"""The rest of a submission: its properties, its priority, and the same request for a terminal."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from contracts.jobs import DEFAULT_PRIORITY, FIRST_PRIORITY, LAST_PRIORITY
from contracts.policies import OnConflict

#: Priorities that have a name; those between two of them are only numbers.
_WORDS = {0: "first of all", 3: "urgent", 5: "normal", 7: "can wait", 9: "last of all"}

#: What to do when the lock is busy, in words; None stands for what the kind says.
CONFLICTS: Mapping[OnConflict | None, str] = {
    None: "as the kind says",
    "queue": "wait behind the other jobs",
    "reject": "do not submit",
    "skip": "take the job that is there",
    "replace-waiting": "cancel the waiting jobs",
    "cancel-running": "cancel the waiting jobs, and stop the running one",
}

PRIORITIES = range(FIRST_PRIORITY, LAST_PRIORITY + 1)


class PropertiesError(ValueError):
    """A line is not a property."""


def priority_text(priority: int) -> str:
    """Return a priority with its word."""
    word = _WORDS.get(priority)
    return f"{priority} · {word}" if word else str(priority)


def read_properties(text: str) -> dict[str, str]:
    """Return the properties that the lines of a text name. Raises PropertiesError."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, separator, value = line.partition("=")
        name = name.strip()
        if not separator or not name:
            raise PropertiesError(f"line {number}: write it like team=accounts")
        if name in found:
            raise PropertiesError(f"line {number}: {name} is there twice")
        found[name] = value.strip()
    return found


def properties_text(properties: Mapping[str, str]) -> str:
    """Return properties as lines."""
    return "\n".join(f"{name}={value}" for name, value in properties.items())


def submission(
    *,
    kind: str,
    job_id: str,
    lock: str | None,
    parameters: Mapping[str, JsonValue],
    name: str = "",
    description: str = "",
    priority: int = DEFAULT_PRIORITY,
    properties: Mapping[str, str] | None = None,
    on_conflict: OnConflict | None = None,
    limits: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Return the body of a submission, without the fields that have their default.

    Without a lock, the job has the one that its kind derives from the parameters. `limits` are its time
    limits in seconds, by the names of their fields.
    """
    optional = {
        "lock": lock,
        "name": name,
        "description": description,
        "priority": None if priority == DEFAULT_PRIORITY else priority,
        "properties": dict(properties or {}),
        "on_conflict": on_conflict,
        **(limits or {}),
    }
    asked = {"kind": kind, "parameters": dict(parameters), "job_id": job_id}
    return asked | {field: value for field, value in optional.items() if value not in ("", None, {})}


def curl(url: str, body: Mapping[str, Any], actor: str = "") -> str:
    """Return the command that sends a submission."""
    words = [f"curl -i {shlex.quote(f'{url}/api/v1/jobs')}", "-H 'Content-Type: application/json'"]
    if actor:
        words.append(f"-H {shlex.quote(f'X-Actor: {actor}')}")
    words.append(f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}")
    return " \\\n  ".join(words)
