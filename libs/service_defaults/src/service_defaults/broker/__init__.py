"""Everything about RabbitMQ: the connection, the topology, the notifier, and reading messages."""

from service_defaults.broker.connection import NotConfirmedError, make_broker, publish_confirmed
from service_defaults.broker.consumers import ConsumerWatchdog, NotConsumingError
from service_defaults.broker.lost_connections import lost_connections_as_errors
from service_defaults.broker.message_reader import MessageReader, NotUnderstoodError, parse_body
from service_defaults.broker.notifier import RabbitNotifier
from service_defaults.broker.publishing_watch import watch_publishing
from service_defaults.broker.quarantine import QuarantineReader, QuarantineUnavailableError
from service_defaults.broker.seal import Seal
from service_defaults.broker.topology import (
    control_exchange,
    control_queue,
    declare_topology,
    events_exchange,
    jobs_exchange,
    jobs_queue,
    projector_queue,
    submissions_queue,
)

__all__ = [
    "ConsumerWatchdog",
    "MessageReader",
    "NotConfirmedError",
    "NotConsumingError",
    "NotUnderstoodError",
    "QuarantineReader",
    "QuarantineUnavailableError",
    "RabbitNotifier",
    "Seal",
    "control_exchange",
    "control_queue",
    "declare_topology",
    "events_exchange",
    "jobs_exchange",
    "jobs_queue",
    "lost_connections_as_errors",
    "make_broker",
    "parse_body",
    "projector_queue",
    "publish_confirmed",
    "submissions_queue",
    "watch_publishing",
]
