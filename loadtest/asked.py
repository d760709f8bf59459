"""A job as it is asked for, by a user or a schedule."""

from dataclasses import dataclass
from typing import Any

from contracts.policies import OnConflict

#: The kind of all jobs of the load tests.
KIND = "send-effects"


@dataclass(frozen=True)
class Asked:
    """A job that is submitted."""

    #: The lock; the run puts a name of its own before it.
    lock: str
    steps: int = 1
    #: How long each step takes.
    step_seconds: float = 0.0
    #: Whether its handler fails in the last step.
    fails: bool = False
    #: 0 runs first, 9 last.
    priority: int = 5
    #: How often the same submission is sent at the same time.
    copies: int = 1
    #: What to do when the lock is busy.
    on_conflict: OnConflict = "queue"

    def body(self, lock: str, name: str, sink: str) -> dict[str, Any]:
        """Return the submission under a lock, without the job's id; its effects go to the sink."""
        found: dict[str, Any] = {
            "kind": KIND,
            "lock": lock,
            "name": name,
            "priority": self.priority,
            "parameters": {"sink": sink, "steps": self.steps, "seconds": self.step_seconds},
        }
        if self.fails:
            found["parameters"]["fail_at"] = self.steps
        if self.on_conflict != "queue":
            found["on_conflict"] = self.on_conflict
        return found
