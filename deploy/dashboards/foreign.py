"""Metrics that others than Turnstile's services expose, so that the telemetry schema has none of them."""


class Foreign(str):
    """The name of a metric as Prometheus knows it, with the labels that are used here."""

    __slots__ = ("labels", "meaning")

    meaning: str
    labels: tuple[str, ...]

    def __new__(cls, name: str, meaning: str, *labels: str) -> "Foreign":
        """Declare a metric."""
        made = super().__new__(cls, name)
        made.meaning, made.labels = meaning, labels
        return made

    @property
    def prometheus_name(self) -> str:
        """The name, as the schema's metrics have it."""
        return str(self)


#: Labels that Prometheus adds to all that it scrapes, and the one of a histogram's buckets.
COMMON_LABELS = ("job", "instance", "le")

# --- Prometheus' own -----------------------------------------------------------------------------------

UP = Foreign("up", "1 if the target answered when it was scraped last.")
SCRAPE_DURATION = Foreign("scrape_duration_seconds", "How long the last scrape took.")
ALERTS = Foreign(
    "ALERTS", "1 for each alert that fires or is about to.", "alertname", "alertstate", "severity"
)

# --- RabbitMQ's ----------------------------------------------------------------------------------------
# Of its Prometheus plugin, in 3.10 as in 4.x: by queue from /metrics/detailed, the rest from /metrics.

QUEUE = "queue"
QUEUE_MESSAGES = Foreign("rabbitmq_detailed_queue_messages", "Messages in a queue.", QUEUE)
QUEUE_READY = Foreign("rabbitmq_detailed_queue_messages_ready", "Messages that wait in a queue.", QUEUE)
QUEUE_UNACKED = Foreign(
    "rabbitmq_detailed_queue_messages_unacked", "Messages of a queue at its consumers.", QUEUE
)
QUEUE_CONSUMERS = Foreign("rabbitmq_detailed_queue_consumers", "Consumers of a queue.", QUEUE)
MESSAGES_RECEIVED = Foreign("rabbitmq_global_messages_received_total", "Messages taken from publishers.")
MESSAGES_DELIVERED = Foreign("rabbitmq_global_messages_delivered_total", "Messages delivered to consumers.")
MESSAGES_ACKED = Foreign(
    "rabbitmq_global_messages_acknowledged_total", "Messages that consumers were done with."
)
MESSAGES_REDELIVERED = Foreign("rabbitmq_global_messages_redelivered_total", "Messages delivered again.")

# --- The collector's ------------------------------------------------------------------------------------
# Of 0.140 as of later versions, as grafana/collector.yaml names them.

EXPORTER, RECEIVER = "exporter", "receiver"
SPANS_UNSENT = Foreign(
    "otelcol_exporter_send_failed_spans_total", "Spans that were sent in vain and dropped.", EXPORTER
)
LINES_UNSENT = Foreign(
    "otelcol_exporter_send_failed_log_records_total", "Log records sent in vain and dropped.", EXPORTER
)
SPANS_UNQUEUED = Foreign(
    "otelcol_exporter_enqueue_failed_spans_total", "Spans that found no room in the queue.", EXPORTER
)
LINES_UNQUEUED = Foreign(
    "otelcol_exporter_enqueue_failed_log_records_total", "Log records that found no room.", EXPORTER
)
SPANS_REFUSED = Foreign(
    "otelcol_receiver_refused_spans_total", "Spans that were not taken from a sender.", RECEIVER
)
LINES_REFUSED = Foreign(
    "otelcol_receiver_refused_log_records_total", "Log records not taken from a sender.", RECEIVER
)
QUEUED_BYTES = Foreign("otelcol_exporter_queue_size", "Bytes that wait to be sent.", EXPORTER)
QUEUE_BYTES = Foreign("otelcol_exporter_queue_capacity", "Bytes that may wait.", EXPORTER)

# --- A target's outside --------------------------------------------------------------------------------
# A handler's target is not a service of Turnstile. A target that refuses stale fences can expose these
# two and be scraped with the rest: then the guarantee is watched up to where it counts.

EFFECTS_ACCEPTED = Foreign("effect_accepted_total", "Effects that a target outside accepted.")
EFFECTS_REFUSED = Foreign("effect_refused_total", "Effects that it refused because it knew a higher fence.")
