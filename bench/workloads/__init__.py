"""What the contestants are given to do."""

from collections.abc import Sequence

from bench.workload import Workload
from bench.workloads.idle import Idle
from bench.workloads.long_history import LongHistory
from bench.workloads.long_line import LongLine
from bench.workloads.many_locks import ManyLocks
from bench.workloads.one_lock import OneLock
from bench.workloads.submissions import Submissions
from bench.workloads.ten_steps import TenSteps
from bench.workloads.while_submitting import WhileSubmitting

#: All, in the order in which they are measured and reported.
ALL: Sequence[Workload] = (
    OneLock(),
    WhileSubmitting(),
    ManyLocks(),
    Submissions(),
    TenSteps(),
    Idle(),
    LongLine(),
    LongHistory(),
)
