"""The settings of the services that note, and see to it, that jobs leave after a time."""

from typing import Annotated

from pydantic import Field

from contracts.policies import LONGEST_KEEP
from coordination.retention_times import USUAL_ID_SECONDS, RetentionTimes
from service_defaults.settings import ServiceSettings


class RetentionSettings(ServiceSettings):
    """For how long what stays of jobs that have ended; the same for the audit-projector and the scheduler."""

    #: Time after its end for which a job is kept, with parameters, results and events, where its kind says
    #: nothing; shorter keeps the storage smaller. Without it, such jobs are kept for good.
    retention_seconds: Annotated[float | None, Field(gt=0, le=LONGEST_KEEP)] = None
    #: Time after its end for which the audit trail of a job is kept, at least as long as the job itself.
    #: Without it, audit trails are kept for good.
    trail_retention_seconds: Annotated[float | None, Field(gt=0, le=LONGEST_KEEP)] = None
    #: Time for which ids and idempotency keys stay in use: no job goes within this time of its end, and its
    #: id is free again this long after the last of it has gone. Longer than callers repeat a request.
    id_retention_seconds: Annotated[float, Field(ge=60, le=LONGEST_KEEP)] = USUAL_ID_SECONDS

    @property
    def retention_times(self) -> RetentionTimes:
        """When what may go."""
        return RetentionTimes(self.retention_seconds, self.trail_retention_seconds, self.id_retention_seconds)
