"""The RabbitMQ topology as data. Every limit is set, because brokers differ in their defaults."""

from dataclasses import dataclass

#: Times a broker may deliver one message before it goes to quarantine (RabbitMQ 3.10 has no limit, 4.x 20).
DELIVERY_LIMIT = 50


@dataclass(frozen=True)
class Topology:
    """The names of one installation; `namespace` keeps several apart on one broker."""

    namespace: str = "turnstile"

    @property
    def jobs_exchange(self) -> str:
        """Direct: `run` carries wake-ups, `submit` carries SubmitJob, `delay.<ms>` defers."""
        return f"{self.namespace}.jobs"

    @property
    def events_exchange(self) -> str:
        """Topic: what the journal recorded."""
        return f"{self.namespace}.events"

    @property
    def control_exchange(self) -> str:
        """Fan-out: hints."""
        return f"{self.namespace}.control"

    @property
    def quarantine_exchange(self) -> str:
        """Direct: the dead-letter exchange of every queue."""
        return f"{self.namespace}.quarantine"

    @property
    def jobs_queue(self) -> str:
        """Wake-ups, for the workers."""
        return f"{self.namespace}.jobs"

    @property
    def submissions_queue(self) -> str:
        """SubmitJob commands, for the publisher."""
        return f"{self.namespace}.submissions"

    @property
    def projector_queue(self) -> str:
        """Events, for the audit-projector."""
        return f"{self.namespace}.audit-projector"

    @property
    def quarantine_queue(self) -> str:
        """Messages that could not be understood, with the reason in the header `x-reason`."""
        return f"{self.namespace}.jobs.quarantine"

    def delay_queue(self, milliseconds: int) -> str:
        """Messages that return to the jobs queue after this time. One per time, as only heads expire."""
        return f"{self.namespace}.jobs.delay.{milliseconds}"


#: Routing keys; they carry no ids, so that span names and metric labels stay few.
RUN, SUBMIT, EVENTS, QUARANTINE = "run", "submit", "job", "quarantine"

#: Routing key of messages that no queue gets: they show whether the broker confirms anything.
PROBE = "probe"


def delay_key(milliseconds: int) -> str:
    """Return the routing key of a delay queue."""
    return f"delay.{milliseconds}"
