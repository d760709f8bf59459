"""Durations and numbers in words, as the component writes those that tick."""

import math

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def duration(seconds: float) -> str:
    """Return a duration: "at once", "2.9 ms", "3.4 s", "9 min 20 s", "1 h 05 min", "2 d 4 h"."""
    seconds = max(0.0, seconds)
    if seconds < 0.0005:
        return "at once"
    if seconds < 1:
        return f"{seconds * 1000:.1f} ms" if seconds < 0.01 else f"{round(seconds * 1000)} ms"
    if seconds < 10:
        return f"{math.floor(seconds * 10) / 10:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02d} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def count(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun: "1 job", "1,042 jobs"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
