"""How far many jobs are projected, read in few requests."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from azure_storage.calls import RefusedCallError
from azure_storage.read_models import keys
from azure_storage.read_models.stored_rows import StoredRow
from azure_storage.read_models.tables import Table, Tables
from coordination.ports import UnknownOutcomeError

_RANGE = "PartitionKey eq @partition and RowKey ge @first and RowKey le @last"

#: Up to so many jobs of one minute are read one by one.
_FEW = 3

#: Rows of one answer.
_PAGE = 1000

_AT_ONCE = 8


async def projected_seqs(tables: Tables, jobs: Mapping[str, datetime]) -> dict[str, int]:
    """Return the number of the last projected event of each job that has one, by job id.

    The jobs are given with the times at which they were submitted. Raises UnknownOutcomeError.
    """
    minutes: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for job_id, submitted_at in jobs.items():
        partition, key = keys.summary_key(job_id, submitted_at)
        minutes[partition][key] = job_id
    turns = asyncio.Semaphore(_AT_ONCE)

    async def of_minute(partition: str) -> dict[str, int]:
        async with turns:
            of_keys = minutes[partition]
            found = await _read(tables, partition, sorted(of_keys))
            return {of_keys[key]: int(row["ProjectedSeq"]) for key, row in found.items()}

    parts = await asyncio.gather(*map(of_minute, minutes))
    return {job_id: seq for part in parts for job_id, seq in part.items()}


async def _read(tables: Tables, partition: str, wanted: Sequence[str]) -> dict[str, StoredRow]:
    """Read rows of a partition: a range that holds them, unless few are wanted of what lies there."""
    found: dict[str, StoredRow] = {}
    left, token = wanted, None
    bounds = {"partition": partition, "first": wanted[0], "last": wanted[-1]}
    while len(left) > _FEW:
        try:
            page, token = await tables.part(Table.SUMMARIES, _RANGE, bounds, _PAGE, token)
        except RefusedCallError as refused:
            raise UnknownOutcomeError(str(refused)) from refused
        read = {str(row["RowKey"]): row for row in page}
        hits = {key: read[key] for key in left if key in read}
        found |= hits
        end = max(read, default="") if token is not None else wanted[-1]
        left = [key for key in left if key > end]
        if token is not None and len(hits) <= _FEW:
            break
    for key in left:
        row = await tables.get(Table.SUMMARIES, partition, key)
        if row is not None:
            found[key] = row
    return found
