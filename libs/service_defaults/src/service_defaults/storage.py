"""Waiting for the storage account, which may come later than the service."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from contracts.telemetry import attributes as at
from coordination.ports import UnknownOutcomeError

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0


async def prepare_patiently(prepare: Callable[[], Awaitable[None]]) -> None:
    """Create what is missing in the storage, again and again until it answers."""
    while True:
        try:
            await prepare()
        except UnknownOutcomeError as error:
            logger.warning("storage is not ready, retrying", extra={at.ERROR_MESSAGE: str(error)})
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return
