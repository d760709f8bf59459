"""A waterfall drawn with characters: one line per span, as wide as the terminal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from command_line.folding import Fold, folded
from command_line.output import safe
from command_line.waterfall import Attempt, Stretch, Waterfall

_COLORS = {
    "completed": "green",
    "failed": "red",
    "timed_out": "red",
    "expired": "red",
    "retried": "red",
    "cancelled": "magenta",
    "interrupted": "magenta",
    "running": "cyan",
    "waiting": "yellow",
}

#: Columns of a bar below which there is room for no offsets, or for no bar.
_NARROWEST_BAR = 16

_MOST_COLUMNS = 140
_OFFSET_COLUMNS, _TOOK_COLUMNS = 12, 10


@dataclass(frozen=True)
class _Marks:
    """The characters of bars; they can be distinguished without colour."""

    work: str = "█"
    wait: str = "░"
    sum: str = "▒"
    moment: str = "◆"
    open: str = "▶"
    cut: str = "…"
    dot: str = "·"


_ASCII = _Marks("#", ".", "=", "+", ">", "~", "-")


def draw(made: Waterfall, screen: Console, now: datetime, *, shows_all: bool = False) -> list[Text]:
    """Return the lines of a waterfall. What has not ended is drawn up to now; a folded line is many."""
    rows = list(made.stretches) if shows_all else folded(made.stretches)
    if not rows:
        return []
    marks = _ASCII if screen.options.ascii_only else _Marks()
    return list(_Picture(made, rows, min(screen.width, _MOST_COLUMNS), now, marks).lines())


class _Picture:
    def __init__(
        self,
        made: Waterfall,
        rows: Sequence[Stretch | Fold],
        width: int,
        now: datetime,
        marks: _Marks,
    ) -> None:
        self._made, self._rows, self._marks = made, rows, marks
        known = [moment for one in made.stretches for moment in (one.start, one.end) if moment]
        self._start = min(known)
        is_open = any(one.end is None for one in made.stretches)
        # A clock that is behind the services' must not make anything end before it began.
        self._end = max(*known, now) if is_open else max(known)
        self._names = min(max(cell_len(self._name(row)) for row in rows), max(14, width * 2 // 5))
        left = width - self._names - _TOOK_COLUMNS - 1
        self._has_offsets = left - _OFFSET_COLUMNS >= _NARROWEST_BAR
        left -= _OFFSET_COLUMNS * self._has_offsets
        self._bar = left if left >= _NARROWEST_BAR // 2 else 0

    def lines(self) -> Iterator[Text]:
        yield self._head()
        attempt = 0
        for row in self._rows:
            number = row.stretches[0].attempt if isinstance(row, Fold) else row.attempt
            if number != attempt and number in self._made.attempts:
                yield self._title(self._made.attempts[number])
            attempt = number
            yield self._line(row)
            if isinstance(row, Stretch) and row.reason:
                yield Text(f"{'  ' * (2 if row.attempt else 1)}{safe(row.reason)}", style="dim")

    def _head(self) -> Text:
        line = Text(f"{'span':<{self._names}}", style="dim")
        line.append(f"{'at':>{_OFFSET_COLUMNS}}" if self._has_offsets else "")
        line.append(f"{'took':>{_TOOK_COLUMNS}}")
        if self._bar:
            total = span_of_time((self._end - self._start).total_seconds())
            line.append(f" 0{total:>{self._bar - 1}}")
        return line

    def _title(self, attempt: Attempt) -> Text:
        facts = [f"attempt {attempt.number}" + (f", after {attempt.after}" if attempt.after else "")]
        facts += [f"on {attempt.worker}", "" if attempt.fence is None else f"fence {attempt.fence}"]
        title = safe(f" {self._marks.dot} ".join(fact for fact in facts if fact))
        title.stylize("bold")
        return title

    def _line(self, row: Stretch | Fold) -> Text:
        first, last = (row.stretches[0], row.stretches[-1]) if isinstance(row, Fold) else (row, row)
        color = "blue" if isinstance(row, Fold) else _COLORS.get(row.outcome, "blue")
        name = self._name(row)
        if cell_len(name) > self._names:
            name = set_cell_size(name, self._names - 1) + self._marks.cut
        line = Text(set_cell_size(name, self._names))
        if self._has_offsets:
            line.append(f"{self._offset(first):>{_OFFSET_COLUMNS}}", style="dim")
        line.append(f"{self._took(row):>{_TOOK_COLUMNS}}")
        if self._bar:
            line.append(f" {self._bar_of(row, first, last)}".rstrip(), style=color)
        return line

    def _name(self, row: Stretch | Fold) -> str:
        if isinstance(row, Fold):
            return f"  {self._marks.cut} {row.title}"
        return f"{'  ' if row.attempt else ''}{safe(row.name)}"

    def _offset(self, row: Stretch) -> str:
        return f"+{span_of_time((row.start - self._start).total_seconds())}" if row.start else ""

    def _took(self, row: Stretch | Fold) -> str:
        if isinstance(row, Fold):
            return span_of_time(row.seconds)
        if row.end is None:
            return f">{span_of_time((self._end - row.start).total_seconds())}" if row.start else "runs now"
        return span_of_time(row.seconds) if row.start != row.end else ""

    def _bar_of(self, row: Stretch | Fold, first: Stretch, last: Stretch) -> str:
        end = last.end or self._end
        begin = self._column(first.start or self._end)
        if last.end is not None and first.start == last.end:
            return " " * begin + self._marks.moment
        length = max(1, self._column(end) - begin + (end == self._end))
        if isinstance(row, Fold):
            return " " * begin + self._marks.sum * length
        mark = self._marks.wait if row.outcome == "waiting" else self._marks.work
        bar = mark * length
        return " " * begin + (bar if row.end else bar[:-1] + self._marks.open)

    def _column(self, moment: datetime) -> int:
        total = max(self._end - self._start, timedelta(milliseconds=1))
        return min(self._bar - 1, max(0, int((moment - self._start) / total * self._bar)))


def span_of_time(seconds: float) -> str:
    """Return a number of seconds in the unit in which people would say it."""
    if not seconds:
        return "0 s"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
