"""One promise or threshold, and how it fared."""

from collections.abc import Sequence
from dataclasses import dataclass

#: Most examples that a finding names.
_EXAMPLES = 3


@dataclass(frozen=True)
class Finding:
    """One promise or threshold, and how it fared."""

    promised: str
    seen: str
    holds: bool


def finding(promised: str, broken: Sequence[str], otherwise: str) -> Finding:
    """Return a finding that holds unless something broke it."""
    if not broken:
        return Finding(promised, otherwise, holds=True)
    examples = "; ".join(broken[:_EXAMPLES])
    more = f" and {len(broken) - _EXAMPLES} more" if len(broken) > _EXAMPLES else ""
    return Finding(promised, f"violated by {len(broken)}: {examples}{more}", holds=False)
