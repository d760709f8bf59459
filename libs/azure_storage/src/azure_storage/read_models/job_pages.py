"""Pages of the list of jobs: of one list, or of several in one order, each request bounded."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from azure_storage.calls import RefusedCallError
from azure_storage.read_models import keys, rows
from azure_storage.read_models.job_queries import job_query
from azure_storage.read_models.tables import Table, Tables
from contracts.jobs import JobPage, JobSummary
from coordination.ports import UnknownOutcomeError
from read_models.cursors import CursorError, read_cursor, write_cursor
from read_models.filters import JobFilter
from read_models.lists import jobs_list
from read_models.rare_states import RareState, lists_with

Key = tuple[str, str]
Token = Mapping[str, str]

#: First part of a cursor for a place between two rows, which only the storage knows.
_BETWEEN_ROWS = "token"

#: Names of the parts of the storage's token.
_KEYS = ("PartitionKey", "RowKey")


@dataclass(frozen=True)
class _Place:
    """Where a page begins: behind a key, and in some lists where the storage stopped between two rows."""

    after: Key
    tokens: Sequence[Token | None]


@dataclass
class _List:
    """One of the lists that a page comes from, and what was read of it."""

    #: Start of its partition keys, before what all lists have in common.
    prefix: str
    query: str
    parameters: Mapping[str, str]
    size: int
    #: Where it began, and where it continues, if that is between two rows.
    began_with: Token | None
    token: Token | None
    has_more: bool = True
    read: deque[tuple[Key, JobSummary]] = field(default_factory=deque)
    #: Whether a job of it was looked at.
    is_begun: bool = False

    @property
    def is_drained(self) -> bool:
        """Whether what comes next is not known."""
        return self.has_more and not self.read

    @property
    def place(self) -> Token | None:
        """Where the next page continues in this list; None for behind the last job looked at."""
        if self.is_drained:
            return self.token
        return None if self.is_begun else self.began_with

    def count(self, wanted: JobFilter) -> int:
        """Return how many of the jobs that were read, and not looked at, fit."""
        return sum(wanted.fits(job) for _, job in self.read)


class JobPages:
    """Reads pages of jobs. A page takes at most `most_requests` requests for each list it comes from."""

    def __init__(self, tables: Tables, most_requests: int, rows_per_request: int) -> None:
        self._tables = tables
        self._most_requests = most_requests
        self._rows_per_request = rows_per_request

    async def page(self, wanted: JobFilter, limit: int, cursor: str | None) -> JobPage:
        """Return jobs, the last submitted first. Raises CursorError or UnknownOutcomeError."""
        states: Sequence[RareState | None] = lists_with(wanted) or [None]
        place = _read_place(jobs_list(wanted), cursor, len(states))
        lists = [
            self._list(wanted, place.after, state, limit, token)
            for state, token in zip(states, place.tokens, strict=True)
        ]
        for _ in range(self._most_requests):
            needed = [each for each in lists if each.has_more and each.count(wanted) < limit]
            await asyncio.gather(*map(self._read, needed))
        return _merged(lists, wanted, limit, place.after)

    def _list(
        self, wanted: JobFilter, after: Key, state: RareState | None, limit: int, token: Token | None
    ) -> _List:
        query, parameters, is_exact = job_query(wanted, after, state)
        size = min(limit + 1, self._rows_per_request) if is_exact else self._rows_per_request
        prefix = "" if state is None else keys.rare_prefix(state)
        return _List(prefix, query, parameters, size, token, token)

    async def _read(self, part: _List) -> None:
        try:
            found, part.token = await self._tables.part(
                Table.SUMMARIES, part.query, part.parameters, part.size, part.token
            )
        except RefusedCallError as refused:
            if part.token is not None and refused.status == 400:
                raise CursorError from refused
            raise UnknownOutcomeError(str(refused)) from refused
        part.has_more = part.token is not None
        for row in found:
            key = str(row["PartitionKey"]).removeprefix(part.prefix), str(row["RowKey"])
            part.read.append((key, rows.read_summary(row)))


def _merged(lists: Sequence[_List], wanted: JobFilter, limit: int, after: Key) -> JobPage:
    """Return what was read in one order, as far as it is known."""
    items: list[JobSummary] = []
    looked_through, looked_back_to = 0, None
    while len(items) < limit and not any(each.is_drained for each in lists):
        left = [each for each in lists if each.read]
        if not left:
            break
        first = min(left, key=lambda each: each.read[0][0])
        after, job = first.read.popleft()
        first.is_begun = True
        looked_through, looked_back_to = looked_through + 1, job.submitted_at
        items += [job] if wanted.fits(job) else []
    has_more = any(each.has_more or each.count(wanted) for each in lists)
    return JobPage(
        items=items,
        next=_write_place(jobs_list(wanted), after, lists, is_full=len(items) == limit) if has_more else None,
        looked_through=looked_through,
        looked_back_to=looked_back_to,
    )


def _write_place(of: str, after: Key, lists: Sequence[_List], *, is_full: bool) -> str:
    """Return a cursor for where the next page begins."""
    tokens = [None if is_full else each.place for each in lists]
    if not any(tokens):
        return write_cursor(of, *after)
    parts = [text for token in tokens for text in ((token or {}).get(name) or "" for name in _KEYS)]
    # A single list that continues between two rows has no key that it continues behind.
    behind = after if len(lists) > 1 else ()
    return write_cursor(
        of, _BETWEEN_ROWS, *(f"-{part}" for part in behind), *(f"-{p.encode().hex()}" for p in parts)
    )


def _read_place(of: str, cursor: str | None, lists: int) -> _Place:
    """Return where a page of this number of lists begins. Raises CursorError."""
    if cursor is None:
        return _Place(("", ""), [None] * lists)
    count = 3 if lists == 1 else 3 + 2 * lists
    mark, *parts = read_cursor(of, cursor, 2, count)
    if len(parts) == 1:
        return _Place((mark, parts[0]), [None] * lists)
    if mark != _BETWEEN_ROWS:
        raise CursorError
    parts = [part.removeprefix("-") for part in parts]
    minute, row = ("", "") if lists == 1 else (parts.pop(0), parts.pop(0))
    try:
        texts = [bytes.fromhex(part).decode() for part in parts]
    except ValueError:
        raise CursorError from None
    tokens = [dict(zip(_KEYS, texts[n : n + 2], strict=True)) for n in range(0, len(texts), 2)]
    return _Place((minute, row), [token if any(token.values()) else None for token in tokens])
