"""Writing the rows of jobs in rare states, in addition to those of the summaries.

Projectors write them in any order and at the same time. A row says which event of its job it takes into
account last, and never goes back: it is replaced only by one that takes more into account.
"""

import asyncio
from dataclasses import dataclass

from azure_storage.read_models import rows
from azure_storage.read_models.tables import Entity, Table, Tables
from contracts.jobs import JobSummary
from read_models.documents import StaleError
from read_models.rare_states import RareState, rare_states

#: Jobs whose rows are remembered. One that is forgotten costs two more requests.
_MOST_WRITTEN = 1_000


@dataclass(frozen=True)
class _Written:
    """What this process wrote last of a job."""

    summary: JobSummary
    as_of: int
    etag: str


class RareRows:
    """The rows of jobs in rare states."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        #: Jobs that were taken over and are not over yet, which are written again.
        self._written: dict[tuple[RareState, str], _Written] = {}

    async def record(self, summary: JobSummary, as_of: int) -> None:
        """Write a job into the list of each rare state it is in. Raises UnknownOutcomeError.

        `as_of` is the number of the last event that the summary takes into account.
        """
        states = rare_states(summary)
        if states:
            await asyncio.gather(*(self._record(state, summary, as_of) for state in states))

    async def _record(self, state: RareState, summary: JobSummary, as_of: int) -> None:
        key = state, summary.job_id
        written = self._written.get(key)
        # Most events of a run change nothing that a list shows. A summary that has changed never comes back.
        if written is not None and (written.as_of >= as_of or written.summary == summary):
            return
        self._written.pop(key, None)
        etag = await self._write(rows.rare_row(state, summary, as_of), written.etag if written else None)
        if etag is not None and not summary.status.is_terminal:
            if len(self._written) >= _MOST_WRITTEN:
                self._written.clear()
            self._written[key] = _Written(summary, as_of, etag)

    async def _write(self, row: Entity, etag: str | None) -> str | None:
        """Write a row unless a newer one is there, and return its version; None when one is."""
        while True:
            try:
                return await self._tables.put(Table.SUMMARIES, row, etag)
            except StaleError:
                stored = await self._tables.get(Table.SUMMARIES, row["PartitionKey"], row["RowKey"])
            if stored is None:
                etag = None
            elif stored["AsOf"] < row["AsOf"]:
                etag = stored.etag
            else:
                # The same events are the same summary.
                return None
