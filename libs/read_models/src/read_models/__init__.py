"""The read models: tables derived from the journal, so that lists and dashboards leave the journal alone.

| list         | order                         | holds                                    |
| ------------ | ----------------------------- | ---------------------------------------- |
| audit trail  | of a job, by number           | every event, hash-chained                |
| events       | newest first                  | the events of all jobs                   |
| jobs         | last submitted first          | jobs, and how far each is projected      |
| rare states  | last submitted first          | the jobs in each rare state, once more   |
| lock runs    | of a lock, latest fence first | who held it, from when to when           |
| locks        | by partition                  | the names of locks and their last fences |

All can be wiped and derived again from the journal at any time, but for the audit trails of jobs that have
left it (`archived`). `ports` says how they are read and written; `memory` has a double for tests.
"""

from read_models.cursors import CursorError, ForeignCursorError
from read_models.documents import KnownLock, LockRun, Overlap, StaleError, TrailEntry, Watermark
from read_models.filters import JobFilter
from read_models.ports import ReadModels, ReadModelWriter
from read_models.rare_states import RareState

__all__ = [
    "CursorError",
    "ForeignCursorError",
    "JobFilter",
    "KnownLock",
    "LockRun",
    "Overlap",
    "RareState",
    "ReadModelWriter",
    "ReadModels",
    "StaleError",
    "TrailEntry",
    "Watermark",
]
