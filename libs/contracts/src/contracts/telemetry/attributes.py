"""Attributes of spans, log records and measurements. OpenTelemetry's names come before names of our own."""

from contracts.telemetry.names import Attribute

# --- Jobs ----------------------------------------------------------------------------------------

JOB_ID = Attribute("job.id", "Id of the job.")
JOB_KIND = Attribute("job.kind", "Kind of the job, the name of its handler.", on_metrics=True)
JOB_ATTEMPT = Attribute("job.attempt", "Number of the attempt, from 1.")
JOB_PRIORITY = Attribute("job.priority", "Priority; smaller runs first.")
JOB_STEP = Attribute(
    "job.step", "The step; on metrics without the number that repeated names get.", on_metrics=True
)
JOB_STEP_SECONDS = Attribute("job.step.seconds", "Duration of the step, in seconds.")
JOB_STEPS = Attribute("job.steps", "Steps recorded so far, by all attempts.")
JOB_OUTCOME = Attribute(
    "job.outcome",
    "How a run ended.",
    values=("completed", "failed", "cancelled", "timed_out", "interrupted", "retried"),
)
JOB_STATUS = Attribute("job.status", "Status of the job.", values=("queued", "running"))
JOB_PROGRESS = Attribute("job.progress.value", "Progress that the run reported, in its own unit.")
JOB_PROGRESS_LIMIT = Attribute("job.progress.limit", "Progress at which the run is done, in the same unit.")
JOB_EVENT_NUMBER = Attribute("job.event.number", "Number of an event within its job, from 1.")
JOB_EVENT_COUNT = Attribute("job.event.count", "Number of events.")
JOB_STATE_SIZE = Attribute("job.state.size", "Characters of the saved state.")
JOB_INTERRUPTIONS = Attribute("job.interruptions", "Number of interrupted attempts so far.")
JOB_SUBMISSION_OUTCOME = Attribute(
    "job.submission.outcome",
    "Outcome of a submission.",
    values=("accepted", "repeated", "skipped", "refused", "unknown"),
)

# --- Locks, lines and leases -----------------------------------------------------------------------

LOCK_NAME = Attribute(
    "lock.name",
    "The lock; on metrics only of the longest lines and runs, `(other)` for the rest.",
    on_metrics=True,
)
LOCK_FENCE = Attribute("lock.fence", "The fence, which rises with every start under the lock.")
OTHER_JOB_ID = Attribute("job.other.id", "The job that another one is compared with.")
OTHER_FENCE = Attribute("lock.other.fence", "The fence of the run that another one is compared with.")
LINE_POSITION = Attribute("line.position", "Position in line, from 1.")
LINE_LENGTH = Attribute("line.length", "Jobs that wait in line.")
LINE_SECONDS = Attribute("line.seconds", "How long the job has waited, in seconds.")
LEASE_MARGIN = Attribute("lease.margin", "Seconds that were left before the run would have been stopped.")
LEASE_FAILURE = Attribute(
    "lease.failure",
    "Whether the lease is lost (definitive) or the store did not answer (transient).",
    values=("definitive", "transient"),
)
HAND_OVER_CAUSE = Attribute(
    "lock.hand_over.cause",
    "How a lock went from one run to the next: in one transaction, or by a release.",
    values=("chained", "released"),
)
TAKE_OVER_CAUSE = Attribute(
    "lock.take_over.cause",
    "Why another run had to take over.",
    values=("runner_died", "worker_stopped", "worker_lost"),
)
WRITE_REFUSAL = Attribute(
    "lock.write.refusal",
    "Why a holder's write was rejected: another worker had taken over, or the write deadline had passed.",
    values=("taken_over", "too_late", "unknown"),
)

# --- Workers and their runners ---------------------------------------------------------------------

WORKER_NAME = Attribute(
    "worker.name", "Name of the worker, as in the audit trail; on metrics of running jobs.", on_metrics=True
)
WORKER_STATE = Attribute("worker.state", "Whether a worker's heartbeat is fresh.", values=("alive", "silent"))
RUNNER_PID = Attribute("runner.pid", "Process id of the runner.")
RUNNER_STATE = Attribute("runner.state", "Whether a runner runs a job.", values=("busy", "idle"))
RUNNER_END = Attribute(
    "runner.end",
    "Why a runner was replaced: it died, or the supervisor ended it because it was not reusable.",
    values=("died", "ended"),
)

# --- Wake-ups, sweeps, messages -------------------------------------------------------------------

WAKE_UP_REASON = Attribute(
    "wake_up.reason",
    "Why it was sent: a job was submitted, a lock was released, the sweeper found work, or it was deferred.",
    values=("submitted", "released", "due", "swept", "deferred"),
)
WAKE_UP_OUTCOME = Attribute(
    "wake_up.outcome",
    "Outcome of a wake-up: lock taken, line empty, lock held, already known, no free runner, or passed on.",
    values=("taken", "empty", "held", "known", "no_room", "passed_on", "unknown"),
)
SWEEP_REPAIR = Attribute(
    "sweep.repair",
    "Repair by the sweeper: sent a wake-up, published events again, closed an id that never became a job.",
    values=("notified", "announced", "abandoned"),
)
SWEEP_ACTIVE = Attribute("sweep.active", "Active jobs that a sweep looked at.")
SWEEP_RUNG = Attribute("sweep.notified", "Locks for which a sweep sent a wake-up.")
SWEEP_ANNOUNCED = Attribute("sweep.announced", "Jobs whose events a sweep published again.")
SWEEP_EXPIRED = Attribute("sweep.expired", "Jobs that a sweep ended, as their time in line was over.")
SWEEP_ABANDONED = Attribute("sweep.abandoned", "Ids that a sweep closed, as they never became jobs.")
RETENTION_STEP = Attribute(
    "retention.step",
    "What became of a job whose time is over: it left the journal, and its audit trail stays; all of it "
    "went; its id is free again; or it stays, as what is stored of it does not add up.",
    values=("archived", "deleted", "forgotten", "broken"),
)
RETENTION_ARCHIVED = Attribute("retention.archived", "Jobs that left the journal, whose audit trails stay.")
RETENTION_DELETED = Attribute("retention.deleted", "Jobs of which only the id stays.")
RETENTION_FORGOTTEN = Attribute("retention.forgotten", "Jobs whose ids are free again.")
RETENTION_PUT_OFF = Attribute(
    "retention.put_off", "Jobs that could not go yet and are looked at again later."
)
SCHEDULE_NAME = Attribute("schedule.name", "Name of the schedule.")
SCHEDULE_OUTCOME = Attribute(
    "schedule.outcome",
    "What became of a due time of a schedule, or of a run by hand that a scheduler found.",
    values=("submitted", "skipped", "refused", "missed"),
)
SCHEDULE_DUE_AT = Attribute("schedule.due_at", "The due time, in UTC.")
SCHEDULE_LATE_SECONDS = Attribute(
    "schedule.late_seconds", "Seconds from the due time until its job was submitted, or refused."
)
SCHEDULE_MISSED = Attribute("schedule.missed", "Due times that get no job, as they were missed.")
MESSAGE_COUNT = Attribute("message.count", "Number of messages.")
MESSAGE_TYPE = Attribute(
    "message.type", "Type of a message.", values=("wake_up", "deferred_wake_up", "events", "hint")
)
REASON = Attribute("reason", "The reason, in words.")
WITHHELD = Attribute("environment.withheld", "Names of environment variables that handlers do not see.")
CHECK_NAME = Attribute(
    "check.name", "What a health check looks at.", values=("rabbitmq", "storage", "runners")
)
CHECK_STATE = Attribute("check.state", "How a check of the records ended.")
CHECK_SECONDS = Attribute("check.seconds", "How many seconds a check of the records took.")

# --- Storage -----------------------------------------------------------------------------------------

STORAGE_OPERATION = Attribute(
    "storage.operation", "Port and call, such as `journal.commit`.", on_metrics=True
)
STORAGE_OUTCOME = Attribute(
    "storage.outcome",
    "Outcome of a storage call.",
    values=("ok", "refused", "unknown", "denied"),
)
STORAGE_CALLS = Attribute(
    "storage.calls",
    "Requests to the storage that the span waited for; one that several share counts for each of them.",
)
STORAGE_SECONDS = Attribute("storage.seconds", "How long those requests took, added up, in seconds.")

# --- Logs ----------------------------------------------------------------------------------------------

TRACE_ID = Attribute("trace_id", "The job's trace, else that of the active span; log records only.")
SPAN_ID = Attribute("span_id", "The active span; log records only.")
DROPPED = Attribute(
    "dropped",
    "Number of log records, printed lines or spans of a handler that were dropped because of a limit.",
)

ATTRIBUTES_DROPPED = Attribute(
    "attributes.dropped", "Number of attributes that a log record had beyond what is sent; log records only."
)
TELEMETRY_SIGNAL = Attribute("telemetry.signal", "What was to be sent.", values=("traces", "logs"))
TELEMETRY_LOSS = Attribute(
    "telemetry.loss",
    "Why it was not sent: too much waited for the collector, or the collector did not take it.",
    values=("queue_full", "not_taken"),
)

# --- OpenTelemetry's own -----------------------------------------------------------------------------

ERROR_TYPE = Attribute("error.type", "Class of the error.", convention=True, on_metrics=True)
ERROR_MESSAGE = Attribute("error.message", "Message of the error.", convention=True)
RESEND_COUNT = Attribute(
    "http.request.resend_count", "How often the same storage call was sent before.", convention=True
)
MESSAGING_SYSTEM = Attribute(
    "messaging.system", "The broker: `rabbitmq`.", values=("rabbitmq",), convention=True
)
MESSAGING_OPERATION_NAME = Attribute(
    "messaging.operation.name", "Operation on the message.", values=("send", "process"), convention=True
)
MESSAGING_OPERATION_TYPE = Attribute(
    "messaging.operation.type",
    "Type of the operation on the message, as the convention names it.",
    values=("send", "process"),
    convention=True,
)
MESSAGING_DESTINATION = Attribute(
    "messaging.destination.name",
    "`exchange:routing key`; on spans of consumers also `:queue`.",
    convention=True,
    on_metrics=True,
)
MESSAGING_ROUTING_KEY = Attribute(
    "messaging.rabbitmq.destination.routing_key", "The routing key, unless empty.", convention=True
)
MESSAGING_MESSAGE_ID = Attribute("messaging.message.id", "Id of the message.", convention=True)
MESSAGING_CONVERSATION_ID = Attribute(
    "messaging.message.conversation_id", "The message's correlation id.", convention=True
)
MESSAGING_BODY_SIZE = Attribute("messaging.message.body.size", "Bytes of the body.", convention=True)
SERVER_ADDRESS = Attribute(
    "server.address", "Host of the broker; of an HTTP request, the host that it named.", convention=True
)
SERVER_PORT = Attribute(
    "server.port", "Port of the broker; of an HTTP request, the port that it named.", convention=True
)
HTTP_METHOD = Attribute("http.request.method", "The method.", convention=True, on_metrics=True)
HTTP_ROUTE = Attribute(
    "http.route", "The path as the API describes it, without ids.", convention=True, on_metrics=True
)
HTTP_STATUS = Attribute("http.response.status_code", "The status code.", convention=True, on_metrics=True)
HTTP_VERSION = Attribute("network.protocol.version", "Version of HTTP.", convention=True, on_metrics=True)
URL_SCHEME = Attribute("url.scheme", "`http` or `https`.", convention=True, on_metrics=True)
URL_PATH = Attribute("url.path", "Path of the request.", convention=True)
URL_QUERY = Attribute("url.query", "Query of the request.", convention=True)
EXCEPTION_TYPE = Attribute("exception.type", "Class of an exception.", convention=True)
EXCEPTION_MESSAGE = Attribute("exception.message", "Message of an exception.", convention=True)
EXCEPTION_STACKTRACE = Attribute("exception.stacktrace", "Stack trace of an exception.", convention=True)
