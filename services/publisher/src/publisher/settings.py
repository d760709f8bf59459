"""The settings of the publisher."""

from typing import Annotated, Literal

from pydantic import Field

from contracts.telemetry.names import Source
from service_defaults.settings import ServiceSettings


class PublisherSettings(ServiceSettings):
    """The settings of the publisher, in addition to those of every service."""

    source = Source.PUBLISHER

    port: Annotated[int, Field(ge=0, le=65535)] = 8000

    #: How long a submission waits for its wake-up to be confirmed; the sweeper sends another if it was not.
    wake_up_timeout_seconds: Annotated[float, Field(gt=0, le=30)] = 2.0

    #: Number of SubmitJob commands from RabbitMQ that are handled at the same time.
    submissions_at_once: Annotated[int, Field(ge=1, le=200)] = 10

    #: Number of streams of events, and of requests that wait for a result, that this process serves at the
    #: same time; more get 503.
    most_followers: Annotated[int, Field(ge=1, le=100_000)] = 1000

    #: What happens to a job whose caller does not record its trace (`traceparent: …-00`): with own it has a
    #: trace of its own, recorded as OTEL_TRACES_SAMPLER says, with a link to the caller's; with follow, none.
    unsampled_callers: Literal["own", "follow"] = "own"

    #: Number of jobs that may continue one trace of a caller, per publisher process; each further job has a
    #: trace of its own, with a link to the caller's. 0 gives every job its own.
    jobs_per_trace: Annotated[int, Field(ge=0, le=10_000)] = 20
