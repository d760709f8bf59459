"""Having `turnstile verify` judge a run: from storage and the sink's ledger, in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

_TIMEOUT_SECONDS = 600.0
_HOLDS, _BROKEN = 0, 1
#: Holds, as JSON, what the checker is to find in its environment. Not under its own names in ours: commands
#: that harm the stack read the same settings, and would take the stack's own servers for foreign ones.
_HANDED_ON = "LOADTEST_CHECKER"
#: Clocks of this machine and of the stack's may differ by this much.
_EARLIER = timedelta(seconds=5)


class ProofError(Exception):
    """The checker could not run, so it has not judged anything."""


@dataclass(frozen=True)
class Violation:
    """An invariant that did not hold."""

    invariant: str
    message: str
    lock: str = ""
    job_id: str = ""


@dataclass(frozen=True)
class Proof:
    """What the checker found."""

    holds: bool
    violations: tuple[Violation, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    #: Seconds by cause of the take-over: p50, p95, p99, max, count.
    take_overs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def verify(
    command: Sequence[str],
    since: datetime,
    accepted: Path,
    ledger: Path,
    html: Path,
    *,
    patience: timedelta = timedelta(),
) -> Proof:
    """Have the checker look at everything since a moment. Raises ProofError.

    `patience` is how long the audit trail and other read models may take to catch up.
    """
    period = (since - _EARLIER).isoformat()
    arguments = ["verify", "--since", period, "--accepted", str(accepted), "--sink", str(ledger)]
    words = [*command, *arguments, "--json", "--html", str(html)]
    words += ["--patience", str(patience.total_seconds())]
    try:
        done = subprocess.run(
            words,
            env={**os.environ, **json.loads(os.environ[_HANDED_ON])},  # noqa: TID251
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProofError(f"turnstile verify could not be run: {error}") from None
    if done.returncode not in {_HOLDS, _BROKEN}:
        raise ProofError(
            f"turnstile verify cannot judge (exit code {done.returncode}): {done.stderr[-1000:].strip()}"
        )
    proof = parse(done.stdout)
    if proof.holds != (done.returncode == _HOLDS) or (proof.holds and proof.violations):
        raise ProofError("turnstile verify contradicts itself: exit code, `holds` and violations disagree")
    return proof


def installed_command() -> list[str]:
    """Return the command of this installation."""
    return [str(Path(sys.executable).parent / "turnstile")]


def handed_on(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a process needs in its environment so that it can call `verify`."""
    return {_HANDED_ON: json.dumps(dict(environment))}


def parse(text: str) -> Proof:
    """Read the checker's JSON. Raises ProofError."""
    try:
        document: Any = json.loads(text)
        return Proof(
            holds=document["holds"] is True,
            violations=tuple(_violation(item) for item in document["violations"]),
            counts=document["counts"],
            take_overs=document["seconds"]["take_over"] or {},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProofError(f"turnstile verify printed no report: {error!r}: {text[:300]}") from None


def _violation(item: Mapping[str, Any]) -> Violation:
    return Violation(
        str(item["invariant"]),
        str(item["message"]),
        str(item.get("lock") or ""),
        str(item.get("job_id") or ""),
    )
