"""Queries for the jobs that fit a filter."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote

from azure_storage.read_models import keys
from azure_storage.read_models.rows import property_column, property_value
from read_models.filters import JobFilter
from read_models.ordering import inverted_time
from read_models.rare_states import RareState

# The SDK splits a filter at single blanks before it fills in the parameters: parameters stand alone between
# blanks, and the text stays constant.
_WINDOW = (
    "PartitionKey ge @partition and ( PartitionKey gt @partition or RowKey gt @row )"
    " and PartitionKey le @end and ( PartitionKey lt @end or RowKey lt @endrow )"
)

#: Minutes are digits; what sorts behind them is something else.
AFTER_MINUTES = ":"

#: No job was submitted before it, and the keys of earlier moments would have other lengths.
_FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)

#: Sorts behind the bar that follows a time in a row key.
_AFTER_TIME = "}"

#: Comparisons in one query; the storage refuses more.
_MOST_COMPARISONS = 15

#: Characters of the compared texts as they stand in the address of a request, which servers limit.
_LONGEST_TEXTS = 4_000

_Comparison = tuple[str, Literal["eq", "ge", "lt"], str]


def job_query(
    wanted: JobFilter, after: tuple[str, str], state: RareState | None = None
) -> tuple[str, dict[str, str], bool]:
    """Return the query for jobs behind a key that fit a filter, its parameters, and whether it is exact.

    With a rare state, it is for the list of that state. A query that is not exact finds too much: not every
    condition has room in it, and the storage does not compare parts of texts.
    """
    prefix = ""
    if state is not None:
        prefix = keys.rare_prefix(state)
        if state is not RareState.TAKEN_OVER:
            # The list has no job of another status.
            wanted = replace(wanted, statuses=frozenset())
    start, end = after, (AFTER_MINUTES, "")
    if wanted.submitted_before is not None:
        start = max(start, _behind(wanted.submitted_before))
    if wanted.submitted_from is not None:
        end = _behind(wanted.submitted_from)
    query, exact = _WINDOW, not wanted.name_contains
    parameters = {
        "partition": prefix + start[0],
        "row": start[1],
        "end": prefix + end[0],
        "endrow": end[1],
    }
    count, length = query.count("@"), 0
    for joint, comparisons in _conditions(wanted):
        added = sum(len(quote(text)) for _, _, text in comparisons)
        if count + len(comparisons) > _MOST_COMPARISONS or length + added > _LONGEST_TEXTS:
            exact = False
            continue
        texts = [f"{column} {sign} @c{count + n}" for n, (column, sign, _) in enumerate(comparisons)]
        parameters |= {f"c{count + n}": value for n, (_, _, value) in enumerate(comparisons)}
        query += f" and ( {f' {joint} '.join(texts)} )"
        count, length = count + len(comparisons), length + added
    return query, parameters, exact


def _conditions(wanted: JobFilter) -> Iterator[tuple[str, Sequence[_Comparison]]]:
    """Yield comparisons with how they are joined; those that leave few jobs first."""
    if wanted.lock is not None:
        yield "or", [("Lock", "eq", wanted.lock)]
    if wanted.worker is not None:
        yield "or", [("Worker", "eq", wanted.worker)]
    if wanted.statuses:
        yield "or", [("Status", "eq", status.value) for status in sorted(wanted.statuses)]
    if wanted.name_prefix:
        yield "and", [("Name", "ge", wanted.name_prefix), ("Name", "lt", f"{wanted.name_prefix}\uffff")]
    for name, value in sorted(wanted.properties.items()):
        yield "or", [(property_column(name), "eq", property_value(name, value))]
    if wanted.kinds:
        yield "or", [("Kind", "eq", kind) for kind in sorted(wanted.kinds)]


def _behind(moment: datetime) -> tuple[str, str]:
    """Return a key behind all jobs submitted at a moment or later, and before all earlier ones."""
    moment = max(moment, _FIRST_MOMENT)
    return keys.inverted_minute(moment), f"{inverted_time(moment)}{_AFTER_TIME}"
