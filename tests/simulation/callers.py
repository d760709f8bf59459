"""The names of callers and the reasons that they give."""

import random

from contracts.jobs import LONGEST_REASON
from submission.actors import MAX_LENGTH

#: Odd ones among them: they must come through as they are.
ACTORS = (
    "client",
    "maria.k",
    'O\'Brien "the boss"',
    "Zoë Ångström",
    "財務部",
    "client: while waiting",
    "😀",
    "a" * MAX_LENGTH,
    "😀" * MAX_LENGTH,
)

REASONS = (
    "",
    "",
    "wrong month",
    "wrong month: October, not November",
    "line one\nline two\t\u2028three",
    'quote " and \\ backslash, {"reason": 1}',
    "<script>alert('x')</script> | = + @",
    "\u202eright to left\u202c e\u0301 \u200b",
    "while waiting",
    ": ",
    "0",
    "\x00\x1f\x7f",
    "x" * LONGEST_REASON,
    "😀" * LONGEST_REASON,
)


class Callers:
    """Draws names and reasons, apart from everything else that the seed decides."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(f"callers of {seed}")

    def actor(self) -> str:
        """Return the name of a caller."""
        return self._draw.choice(ACTORS)

    def reason(self) -> str:
        """Return why a job is cancelled."""
        return self._draw.choice(REASONS)
