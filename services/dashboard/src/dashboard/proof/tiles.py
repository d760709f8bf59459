"""The six numbers under a verdict."""

from dashboard.parts.durations import count, duration
from dashboard.parts.nodes import Node, node
from dashboard.proof.report import Report
from verification import Invariant, Result


def number_tiles(report: Report) -> Node:
    """Return runs, overlaps, fences, the shortest gap, events and hash chains."""
    counts, numbers = report.counts, report.numbers
    overlaps = int(numbers["overlaps"])
    compared = count(numbers["neighbours_compared"], "neighbour")
    of_jobs = count(counts["jobs"], "job")
    return node(
        "div.tiles",
        _tile("Runs", f"{counts['runs']:,}", f"of {of_jobs}, by {count(numbers['workers'], 'worker')}"),
        _tile("Overlaps", f"{overlaps:,}", f"of {compared} compared", is_bad=overlaps > 0),
        _fences(report),
        _gap(report),
        _events(report),
        _tile(
            "Hash chains",
            f"{numbers['chains_intact']:,} intact",
            f"of {of_jobs}",
            is_bad=numbers["chains_intact"] < numbers["chains_checked"],
        ),
    )


def _fences(report: Report) -> Node:
    fences = report.numbers["fences"]
    if fences is None:
        return _tile("Fences", "none", "no run in this period")
    shown = f"{fences['first']:,} → {fences['last']:,}"
    if report.result(Invariant.EXCLUSION) is Result.BROKEN:
        return _tile("Fences", shown, "see rule I2", is_bad=True)
    return _tile("Fences", shown, "rising, each used once")


def _gap(report: Report) -> Node:
    name, gap = "Shortest gap between two runs", report.numbers["shortest_gap"]
    at_once = int(report.numbers["in_one_transaction"])
    if gap is None:
        if at_once:
            return _tile(name, "none", "each began as the one before ended")
        return _tile(name, "none", "no two runs to compare")
    fences = f"fence {gap['earlier']:,} → {gap['later']:,}"
    more = None
    if at_once:
        more = (
            f"{at_once:,} more began in the transaction that ended the run before: no time is between those."
        )
    if gap["seconds"] < 0:
        return _tile(name, f"overlap of {duration(-gap['seconds'])}", fences, is_bad=True, title=more)
    # Nearer than the storage tells times apart.
    shown = duration(gap["seconds"]) if gap["seconds"] >= 0.0005 else "under 1 ms"
    return _tile(name, shown, fences, title=more)


def _events(report: Report) -> Node:
    found, expected = report.counts["events"], int(report.numbers["events_expected"])
    missing = expected - found
    note = "numbered without gaps" if missing <= 0 else f"{missing:,} missing"
    return _tile("Events", f"{found:,} of {expected:,}", note, is_bad=missing > 0)


def _tile(name: str, value: str, note: str, *, is_bad: bool = False, title: str | None = None) -> Node:
    return node(
        "div.tile",
        node("span.name", name),
        node("span.value.text", value),
        node("span.note.bad" if is_bad else "span.note", note),
        title=title,
    )
