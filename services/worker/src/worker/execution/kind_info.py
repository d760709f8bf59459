"""What a pool knows of the kinds that its runners have loaded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from contracts.policies import JobPolicy
from worker.execution.messages import KindMessage


@dataclass(frozen=True)
class KindInfo:
    """A kind that can be executed here."""

    kind: str
    #: JSON schema of the parameters.
    parameters_schema: Mapping[str, Any]
    #: How long one attempt may take; None means for ever.
    timeout: timedelta | None
    description: str
    policy: JobPolicy = JobPolicy()
    #: Whether its jobs run only in processes that have run no other.
    wants_fresh_process: bool = False
    #: Template of the lock of a submission that names none.
    lock_template: str | None = None


def kinds_of(found: Sequence[KindMessage]) -> dict[str, KindInfo]:
    """Return the kinds that a runner has named."""
    return {
        kind.kind: KindInfo(
            kind.kind,
            kind.parameters_schema,
            None if kind.timeout_seconds is None else timedelta(seconds=kind.timeout_seconds),
            kind.description,
            kind.policy,
            kind.wants_fresh_process,
            kind.lock_template,
        )
        for kind in found
    }
