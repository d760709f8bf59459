"""How a run ends that was stopped before it had a runner."""

from coordination.outcomes import Cancelled, Interrupted, Lost, Outcome, StopReason


def unstarted(reason: StopReason) -> Outcome:
    """Return the outcome of a run that was asked to stop before it began."""
    if reason is StopReason.LOST:
        return Lost()
    if reason is StopReason.CANCELLED:
        return Cancelled()
    return Interrupted(f"stopped before it began: {reason.value}")
