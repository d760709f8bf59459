"""Who asks: a name for the audit trail, believed as far as the network is."""

#: Longest name.
MAX_LENGTH = 100


class ActorError(ValueError):
    """The name of who asks cannot be used."""


def usable_actor(name: str) -> str:
    """Return the name without blanks around it. Raises ActorError when it cannot stand in an audit trail."""
    stripped = name.strip()
    if not 0 < len(stripped) <= MAX_LENGTH or not stripped.isprintable():
        raise ActorError(f"must be 1 to {MAX_LENGTH} printable characters")
    return stripped
