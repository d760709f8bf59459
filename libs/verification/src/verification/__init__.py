"""The checker: reads what the system recorded and what the world outside saw, and reports what does not hold.

It trusts nothing that it can check itself. The journal is read once, lock by lock, in the order of its keys,
and each job's events are followed one by one; what has to be compared across jobs goes to a temporary
database (`scratch_database`), so that memory does not grow with the history. Then the audit trail, the
register of ids, the active jobs, the leases of idle locks, the lists that pages show, and the effect sink's
ledger are held against the journal.

A history may be verified while jobs run. Rows that are read one after the other may then not fit together
although all is well: so a lock in use is read again before anything is reported about it, and what follows
from the journal with a delay (the trail, the active jobs, an idle lock's lease) gets some time to catch up.
Events in the journal stay there, so no violation is lost by looking twice.

Runs of one lock are put in order by their fences, and compared by what no clock of a worker can get wrong:
the storage's own times of its transactions, and the transactions themselves. Storage does not show
effects outside that were not recorded, accepted jobs that left no row, and what is in RabbitMQ's queues.
"""

from verification.checking import NothingToCheckError, Question, verify
from verification.effects import LedgerError
from verification.evidence import Evidence, Place, Stored, TrailEvent
from verification.findings import BLIND_SPOTS, MEANINGS, Invariant, Violation
from verification.listed import ALL_JOBS, ListedRow
from verification.numbers import Gap, Numbers
from verification.progress import Phase, Progress, Report, ignore_progress
from verification.quantiles import nearest_rank
from verification.removals import Removal
from verification.scope import Scope
from verification.scratch_database import Run
from verification.take_overs import TakeOver, take_overs
from verification.verdict import CAUSES, Percentiles, Result, Verdict

__all__ = [
    "ALL_JOBS",
    "BLIND_SPOTS",
    "CAUSES",
    "MEANINGS",
    "Evidence",
    "Gap",
    "Invariant",
    "LedgerError",
    "ListedRow",
    "NothingToCheckError",
    "Numbers",
    "Percentiles",
    "Phase",
    "Place",
    "Progress",
    "Question",
    "Removal",
    "Report",
    "Result",
    "Run",
    "Scope",
    "Stored",
    "TakeOver",
    "TrailEvent",
    "Verdict",
    "Violation",
    "ignore_progress",
    "nearest_rank",
    "take_overs",
    "verify",
]
