"""What tells the lists from each other, for their cursors."""

from contracts import lock_names
from read_models.cursors import list_digest
from read_models.filters import JobFilter

#: The events of all jobs.
EVENTS = list_digest("events")


def jobs_list(wanted: JobFilter) -> str:
    """Return the digest of the jobs that fit a filter.

    The times of submission are left out: the list is ordered by them, so that a place in it is one in every
    period, and a period such as the last 24 hours has other limits at each page.
    """
    return list_digest(
        "jobs",
        sorted(wanted.statuses),
        sorted(wanted.kinds),
        wanted.lock,
        wanted.worker,
        wanted.name_prefix,
        wanted.name_contains,
        wanted.taken_over,
        wanted.with_finalized,
        dict(wanted.properties),
    )


def locks_list(prefix: str) -> str:
    """Return the digest of the locks whose names start with a prefix."""
    return list_digest("locks", prefix.lower())


def lock_runs_list(lock: str) -> str:
    """Return the digest of the runs of a lock."""
    return list_digest("lock runs", lock_names.partition(lock))
