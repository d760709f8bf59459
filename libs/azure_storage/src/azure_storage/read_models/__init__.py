"""The read models: tables derived from the journal, so that lists and dashboards leave the journal alone.

| table          | partition               | row                                | holds                     |
| -------------- | ----------------------- | ---------------------------------- | ------------------------- |
| JobAuditTrail  | job id                  | event id                           | every event, hash-chained |
| RecentEvents   | minute, inverted        | time, fence, job, number, inverted | the events, newest first  |
| JobSummaries   | of submission, likewise | time submitted, inverted, job id   | jobs and their watermarks |
|                | `id|` and job id        | `summary`                          | where a job's summary is  |
| LockRuns       | the lock's              | fence                              | who held it, when         |
| Locks          | `locks`                 | the lock's partition               | names and last fences     |
| Workers, Kinds | one                     | name                               | what workers say          |

The first five can be wiped and derived again at any time.
"""

from azure_storage.read_models.documents import KnownLock, LockRun, StaleError, Summary, TrailEntry, Watermark
from azure_storage.read_models.keys import CursorError
from azure_storage.read_models.reading import ReadModels
from azure_storage.read_models.tables import Table
from azure_storage.read_models.writing import ReadModelWriter

__all__ = [
    "CursorError",
    "KnownLock",
    "LockRun",
    "ReadModelWriter",
    "ReadModels",
    "StaleError",
    "Summary",
    "Table",
    "TrailEntry",
    "Watermark",
]
