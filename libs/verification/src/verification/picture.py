"""Which runs to draw, when there are too many for one picture."""

from collections.abc import Sequence

from verification.findings import Violation
from verification.numbers import OF_PERIOD
from verification.scope import Scope
from verification.scratch_database import Run, ScratchDatabase

#: Runs drawn, and of them most around violations.
_MOST_RUNS, _MOST_AROUND = 10_000, 2_000

#: Runs on either side of one that broke something.
_NEIGHBOURS = 5


def runs_to_draw(scratch: ScratchDatabase, scope: Scope, violations: Sequence[Violation]) -> list[Run]:
    """Return the runs around violations, and then the latest ones of the period."""
    found: dict[tuple[str, int, str], Run] = {}
    for violation in violations:
        if violation.job_id is None or len(found) >= _MOST_AROUND:
            continue
        of_job = "SELECT partition, slot, fence FROM runs WHERE job_id = ? LIMIT 20"
        for partition, slot, fence in list(scratch.query(of_job, violation.job_id)):
            if violation.fence in {None, fence}:
                around = (partition, slot, fence - _NEIGHBOURS, fence + _NEIGHBOURS)
                near = "partition = ? AND slot = ? AND fence BETWEEN ? AND ? ORDER BY fence LIMIT 50"
                _take(found, scratch, near, *around)
    first, behind = scope.bounds
    period = f"{OF_PERIOD} ORDER BY began_at DESC LIMIT ?"
    _take(found, scratch, period, behind, first, _MOST_RUNS - len(found))
    return sorted(found.values(), key=lambda run: (run.lock, run.slot, run.fence))


def _take(
    found: dict[tuple[str, int, str], Run], scratch: ScratchDatabase, where: str, *values: object
) -> None:
    for row in scratch.query(f"SELECT * FROM runs WHERE {where}", *values):  # noqa: S608 - texts of this module
        run = Run(*row)
        found[run.partition, run.fence, run.job_id] = run
