"""Asking the checker about records in memory."""

import asyncio
from pathlib import Path
from typing import Any

from tests.unit.verification.records import Records

from coordination.clock import SystemClock
from verification import Question, Scope, Verdict, Violation, verify


class HurriedClock(SystemClock):
    """Does not wait, as records in memory do not change meanwhile."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


async def verdict_on(records: Records, **question: Any) -> Verdict:
    """Return the verdict; without patience, as nothing comes by itself."""
    return await verify(records, HurriedClock(), Question(**{"patience_seconds": 0.0, **question}))


async def broken(records: Records, **question: Any) -> dict[str, list[str]]:
    """Return what the checker says against the records, by invariant."""
    verdict = await verdict_on(records, **question)
    found: dict[str, list[str]] = {}
    for violation in verdict.violations:
        found.setdefault(violation.invariant.value, []).append(violation.message)
    assert verdict.holds is not bool(found)
    return found


async def the_violation(records: Records, **question: Any) -> Violation:
    """Return what the checker says against the records, which must be one violation."""
    verdict = await verdict_on(records, **question)
    assert len(verdict.violations) == 1, [violation.document() for violation in verdict.violations]
    (violation,) = verdict.violations
    assert verdict.found == {violation.invariant: 1}
    return violation


def file_of(folder: Path, *lines: str) -> Path:
    """Write a file."""
    path = folder / "lines"
    path.write_text("".join(lines))
    return path


__all__ = ["Question", "Scope", "broken", "file_of", "the_violation", "verdict_on"]
