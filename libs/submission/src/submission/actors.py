"""The actor: the name under which the audit trail records a caller. The network is trusted for it."""

#: Longest name.
MAX_LENGTH = 100

#: What the names of schedules begin with: `turnstile verify` judges their submissions by it.
_SCHEDULES = "schedule:"


class ActorError(ValueError):
    """The name cannot be used for an actor."""


def usable_actor(name: str) -> str:
    """Return the name without blanks around it. Raises ActorError when it cannot stand in an audit trail."""
    stripped = name.strip()
    if not 0 < len(stripped) <= MAX_LENGTH or not stripped.isprintable():
        raise ActorError(f"must be 1 to {MAX_LENGTH} printable characters")
    return stripped


def caller(name: str) -> str:
    """Return the name of one who asks from outside. Raises ActorError also for that of a schedule."""
    usable = usable_actor(name)
    if usable.startswith(_SCHEDULES):
        raise ActorError(f"must not begin with {_SCHEDULES}, as the names of schedules do")
    return usable
