"""What a quantile is, for all who report one: the nearest rank, so that each is a value that was measured."""

import math
from collections.abc import Sequence


def nearest_rank(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least so large a share does not exceed.

    The values must be sorted, at least one; the share is above 0 and at most 1.
    """
    return ordered[math.ceil(share * len(ordered)) - 1]
