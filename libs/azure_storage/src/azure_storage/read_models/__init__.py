"""The read models in Table Storage.

| table          | partition               | row                                | holds                     |
| -------------- | ----------------------- | ---------------------------------- | ------------------------- |
| JobAuditTrail  | job id                  | event id                           | every event, hash-chained |
| RecentEvents   | minute, inverted        | time, fence, job, number, inverted | the events, newest first  |
| JobSummaries   | of submission, likewise | time submitted, inverted, job id   | jobs and their watermarks |
|                | `state|`, state, minute | likewise                           | jobs in a rare state      |
| LockRuns       | the lock's              | fence                              | who held it, when         |
| Locks          | `locks`                 | the lock's partition               | names and last fences     |
| Workers, Kinds | one                     | name                               | what workers publish      |

The first five can be wiped and derived again at any time. Workers and Kinds belong to the worker directory;
they have the same kind of rows.
"""

from azure_storage.read_models.reading import TableReadModels
from azure_storage.read_models.tables import Table
from azure_storage.read_models.writing import TableReadModelWriter

__all__ = ["Table", "TableReadModelWriter", "TableReadModels"]
