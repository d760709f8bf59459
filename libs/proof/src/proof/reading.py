"""One check from beginning to end: connects to the storage, has everything judged, and disconnects."""

from azure_storage.calls import MissingTableError
from azure_storage.installation import StorageSettings, connect
from coordination.clock import SystemClock
from proof.storage import StorageEvidence
from verification import NothingToCheckError, Question, Report, Verdict, ignore_progress, verify


class NoTablesError(NothingToCheckError):
    """There are no tables: the namespace is not in use."""


class StorageSettingsError(Exception):
    """The settings do not name a storage account."""


async def check(settings: StorageSettings, question: Question, report: Report = ignore_progress) -> Verdict:
    """Check what the storage of these settings has recorded.

    Raises StorageSettingsError; NoTablesError; and what `verification.verify` raises.
    """
    try:
        storage = connect(settings)
    except ValueError as error:
        raise StorageSettingsError(str(error)) from error
    try:
        return await verify(StorageEvidence(storage), SystemClock(), question, report)
    except MissingTableError:
        # A service waits for its tables; here, no tables mean that the namespace is not in use.
        raise NoTablesError("there are no tables") from None
    finally:
        await storage.aclose()
