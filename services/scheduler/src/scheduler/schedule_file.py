"""Lets the schedules of a file be what it says, once, when the scheduler starts."""

import logging
from collections.abc import Mapping

from contracts.schedules import ScheduleDefinition
from contracts.telemetry import attributes as at
from coordination.ports import Clock, InvalidTransactionError, UnknownOutcomeError
from schedules import ScheduleService
from submission import InvalidSubmissionError

#: Who creates and changes the schedules of a file, for their audit trails.
ACTOR = "schedules-file"

_RETRY_SECONDS = 5.0

#: Seconds until a refused schedule is tried again: the workers that know its kind may not be there yet.
_REFUSED_SECONDS = 60.0

logger = logging.getLogger(__name__)


async def apply_file(
    wanted: Mapping[str, ScheduleDefinition], service: ScheduleService, clock: Clock
) -> None:
    """Create and change schedules until each was what the file says; others stay as they are."""
    left = dict(wanted)
    while left:
        pause = _RETRY_SECONDS
        for name, asked in list(left.items()):
            about: dict[str, str] = {at.SCHEDULE_NAME: name}
            try:
                _, done = await service.put(name, asked, ACTOR)
            except (InvalidSubmissionError, InvalidTransactionError) as error:
                logger.error("schedule of the file refused", extra=about | {at.REASON: str(error)})
                pause = _REFUSED_SECONDS
            except UnknownOutcomeError as error:
                about[at.ERROR_MESSAGE] = str(error)
                logger.warning("storage did not answer, retrying the schedules of the file", extra=about)
            else:
                del left[name]
                if done != "unchanged":
                    logger.info("schedule of the file applied", extra=about)
        if left:
            await clock.sleep(pause)
