"""Removing old jobs from the storage of some settings, after a check of what is to be removed."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from azure_storage.calls import MissingTableError
from azure_storage.connection import StorageConnection
from azure_storage.installation import StorageSettings, connect
from azure_storage.journal import TableJournal
from azure_storage.read_models import TableReadModels
from azure_storage.read_models.removal import TableProjectedRows
from azure_storage.register import TableRegister
from coordination.clock import SystemClock
from coordination.maintenance.pruning import Pruning, Verify
from coordination.ports import Clock
from proof.reading import NoTablesError, StorageSettingsError
from proof.storage import StorageEvidence
from verification import Evidence, NothingToCheckError, Question, Scope, verify

#: A page of a long history may take the store a while.
_CALL_SECONDS = 30.0

#: More locks than that are not checked one by one.
_FEW_LOCKS = 20

#: Locks of one page.
_PAGE = 200

#: Reads the names of all locks that were ever used.
KnownLocks = Callable[[], Awaitable[Sequence[str]]]


@asynccontextmanager
async def connected_pruning(settings: StorageSettings) -> AsyncIterator[tuple[Pruning, KnownLocks]]:
    """Connect to the storage of these settings for the time of a removal.

    Raises StorageSettingsError and NoTablesError.
    """
    try:
        storage = connect(settings)
    except ValueError as error:
        raise StorageSettingsError(str(error)) from error
    models = TableReadModels(storage, _CALL_SECONDS)

    async def known_locks() -> list[str]:
        found, cursor = [], None
        while True:
            page = await models.locks(_PAGE, cursor)
            found += [lock.lock for lock in page.items]
            cursor = page.next
            if cursor is None:
                return found

    try:
        yield pruning_of(storage, models), known_locks
    except MissingTableError:
        raise NoTablesError("there are no tables") from None
    finally:
        await storage.aclose()


def pruning_of(storage: StorageConnection, models: TableReadModels) -> Pruning:
    """Return the use case on a storage, with a check of all that is removed."""
    clock = SystemClock()
    return Pruning(
        TableJournal(storage, _CALL_SECONDS),
        TableRegister(storage, _CALL_SECONDS),
        clock,
        models.projected_seqs,
        TableProjectedRows(storage, _CALL_SECONDS),
        verified_by(StorageEvidence(storage), clock),
    )


def verified_by(evidence: Evidence, clock: Clock) -> Verify:
    """Return the check that comes before a removal."""

    async def check(locks: Sequence[str], ended_before: datetime) -> Mapping[str | None, str]:
        names = tuple(locks) if len(locks) <= _FEW_LOCKS else ()
        try:
            verdict = await verify(evidence, clock, Question(Scope(names, until=ended_before)))
        except NothingToCheckError:
            return {}
        if sum(verdict.found.values()) > len(verdict.violations):
            return {None: "there are too many violations to tell their locks; run turnstile verify"}
        refusals: dict[str | None, str] = {}
        for violation in verdict.violations:
            refusals.setdefault(violation.lock, f"{violation.invariant}: {violation.message}")
        return refusals

    return check
