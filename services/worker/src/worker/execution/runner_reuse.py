"""Whether a runner may run another job: its size, how many jobs it has run, and what their kinds ask for."""

import ctypes
import gc
import resource
from collections import Counter
from contextlib import suppress
from pathlib import Path

from turnstile.kinds import Kind

_MIB = 1024 * 1024

#: The part of what a new process has left of its memory that may stay taken after a job: what a library
#: keeps from job to job must not fail a job that has done nothing wrong.
_KEPT_SHARE = 0.25


def private_bytes() -> int:
    """Return the private writable memory of this process: what its memory limit counts."""
    return int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()


class ReuseRules:
    """The rules for one runner, made when it has loaded its jobs.

    A runner is replaced when it is larger than `reuse_limit_bytes` after a job; None stands for a quarter of
    what a new runner has left below `memory_limit_bytes`, if there is such a limit.
    """

    def __init__(self, reuse_limit_bytes: int | None = None, memory_limit_bytes: int | None = None) -> None:
        self._limit = reuse_limit_bytes
        if reuse_limit_bytes is None and memory_limit_bytes is not None:
            new = private_bytes()
            self._limit = new + int(max(0, memory_limit_bytes - new) * _KEPT_SHARE)
        self._runs: Counter[str] = Counter()

    def refusal(self, kind: Kind) -> str:
        """Return why no other job may run here after one of this kind; empty if one may."""
        self._runs[kind.name] += 1
        if kind.fresh_process:
            return f"kind {kind.name!r} has each process for one job"
        runs = self._runs[kind.name]
        if kind.max_jobs_per_process is not None and runs >= kind.max_jobs_per_process:
            return f"it has run {runs} jobs of kind {kind.name!r}, as many as max_jobs_per_process allows"
        limit = self._limit if kind.max_process_mib is None else kind.max_process_mib * _MIB
        if limit is None or private_bytes() <= limit:
            return ""
        _free_memory()
        size = private_bytes()
        if size <= limit:
            return ""
        return f"it kept {size // _MIB} MiB after a job of kind {kind.name!r}, more than {limit // _MIB} MiB"


def _free_memory() -> None:
    """Return memory to the system that is not in use: the waste of an honest job is no leak."""
    gc.collect()
    with suppress(AttributeError, OSError):  # there with glibc only
        ctypes.CDLL(None).malloc_trim(0)
