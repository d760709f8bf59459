"""The headers that a message has in quarantine, in addition to those of its sender."""

REASON = "x-reason"
MOMENT = "x-quarantined-at"
EXCHANGE = "x-original-exchange"
ROUTING_KEY = "x-original-routing-key"
MESSAGE_ID = "x-original-message-id"
CONTENT_TYPE = "x-original-content-type"
SENDER = "x-original-app-id"

_OWN = frozenset({REASON, MOMENT, EXCHANGE, ROUTING_KEY, MESSAGE_ID, CONTENT_TYPE, SENDER})

#: What the trace's id says, too.
_TRACE = frozenset({"traceparent", "tracestate"})

#: RabbitMQ's own, which say what the described fields say, or count looks.
_BROKERS = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count", "x-acquired-count")


def is_described(name: str) -> bool:
    """Whether the description of a message says what this header says."""
    return name in _OWN or name in _TRACE or name.startswith(_BROKERS)
