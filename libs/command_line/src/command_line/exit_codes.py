"""Exit codes of the commands, for scripts."""

from collections.abc import Mapping

from contracts.statuses import JobStatus

#: A job ended in this status.
BY_STATUS: Mapping[str, int] = {
    JobStatus.COMPLETED: 0,
    JobStatus.FAILED: 1,
    JobStatus.CANCELLED: 3,
    JobStatus.TIMED_OUT: 4,
    JobStatus.EXPIRED: 6,
}

#: What was asked cannot be done.
USAGE = 2

#: The publisher, or the storage behind it, does not answer.
UNREACHABLE = 5

#: The job has not ended in the time that the command waits.
NOT_ENDED = 7

#: The user pressed Ctrl-C.
STOPPED = 130
