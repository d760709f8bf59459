"""The storage account as the publisher sees it."""

import asyncio
import logging

from azure_storage.installation import connect
from azure_storage.journal import TableJournal
from azure_storage.read_models import ReadModelNames, ReadModels
from coordination.ports import UnknownOutcomeError
from publisher.settings import PublisherSettings
from service_defaults.health import NotReadyError

_RETRY_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Storage:
    """The storage account, which may not be there yet."""

    def __init__(self, settings: PublisherSettings) -> None:
        self.connection = connect(settings)
        self.journal = TableJournal(self.connection)
        self.read_models = ReadModels(self.connection, _names(settings))
        self._is_prepared = False

    async def prepare(self) -> None:
        """Create what is missing, again and again until the storage is there."""
        while not self._is_prepared:
            try:
                await self.read_models.prepare()
                self._is_prepared = True
            except UnknownOutcomeError as error:
                logger.warning("storage is not there yet", extra={"error": str(error)})
                await asyncio.sleep(_RETRY_SECONDS)

    async def check(self) -> None:
        """Raise NotReadyError or UnknownOutcomeError when the storage cannot be used."""
        if not self._is_prepared:
            raise NotReadyError("the tables are not prepared yet")
        await self.journal.find("00000000-0000-0000-0000-000000000000")


def _names(settings: PublisherSettings) -> ReadModelNames:
    return ReadModelNames(
        audit=settings.audit_table,
        recent_events=settings.recent_events_table,
        summaries=settings.summaries_table,
        tenures=settings.tenures_table,
        locks=settings.locks_table,
        workers=settings.workers_table,
        kinds=settings.kinds_table,
    )
