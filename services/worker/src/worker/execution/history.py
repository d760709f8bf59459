"""What earlier attempts left for a run, on its way to the runner, and how much of it a runner can take."""

import sys
from collections.abc import Iterator

from coordination.holder.runs import Run
from coordination.outcomes import Failed

#: Characters of results in one message: few enough that the runner needs little more than the results take.
_CHARACTERS = 1024 * 1024

#: What part of its memory a runner may need for them.
_SHARE = 4

_MIB = 1024 * 1024


def refusal(run: Run, memory_limit_bytes: int | None) -> Failed | None:
    """Return why a run can not begin: its history does not fit into a runner. None when it does."""
    if memory_limit_bytes is None or not run.recorded:
        return None
    # As much as they take here, they take there.
    texts = [run.state or "", run.parameters, *(step.result for step in run.recorded)]
    size, limit = sum(map(sys.getsizeof, texts)), memory_limit_bytes // _SHARE
    if size <= limit:
        return None
    return Failed(
        "HistoryTooLarge",
        f"the results of {len(run.recorded):,} recorded steps take {size / _MIB:,.1f} MiB with state and "
        f"parameters, and a runner takes {limit / _MIB:,.1f} MiB, a quarter of TURNSTILE_RUNNER_MEMORY_MIB: "
        "raise that setting, or record smaller results, and submit the job again",
    )


def parts_of(run: Run) -> Iterator[dict[str, str]]:
    """Return the results of recorded steps by name, in parts of bounded size; the last one may be empty."""
    part: dict[str, str] = {}
    characters = 0
    for step in run.recorded:
        part[step.name] = step.result
        characters += len(step.name) + len(step.result)
        if characters >= _CHARACTERS:
            yield part
            part, characters = {}, 0
    yield part
