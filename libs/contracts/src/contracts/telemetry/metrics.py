"""Metrics. None has a label with an id; names of locks appear only for the longest lines and runs."""

from contracts.telemetry import attributes as at
from contracts.telemetry.names import SERVICES, Instrument, Metric, Source

_MOMENTS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_HAND_OVERS = (
    *(0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0),
    *(2.5, 5.0, 10.0, 30.0, 60.0),
)
_WAITS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 43200.0)
_RUNS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)
_TAKE_OVERS = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 20.0, 30.0, 35.0, 45.0, 60.0, 120.0, 600.0)

_MESSAGE = (at.MESSAGING_SYSTEM, at.MESSAGING_OPERATION_NAME, at.MESSAGING_DESTINATION, at.ERROR_TYPE)

# --- Jobs --------------------------------------------------------------------------------------------

JOB_SUBMISSIONS = Metric(
    "job.submissions",
    Instrument.COUNTER,
    "{submission}",
    "Submissions by outcome.",
    Source.PUBLISHER,
    attributes=(at.JOB_KIND, at.JOB_SUBMISSION_OUTCOME),
)
JOB_LINE_DURATION = Metric(
    "job.line.duration",
    Instrument.HISTOGRAM,
    "s",
    "Time in line: from the submission, or interruption, to the start.",
    Source.WORKER,
    attributes=(at.JOB_KIND,),
    buckets=_WAITS,
)
JOB_RUN_DURATION = Metric(
    "job.run.duration",
    Instrument.HISTOGRAM,
    "s",
    "Duration of one attempt.",
    Source.WORKER,
    attributes=(at.JOB_KIND, at.JOB_OUTCOME),
    buckets=_RUNS,
)
JOB_STEP_DURATION = Metric(
    "job.step.duration",
    Instrument.HISTOGRAM,
    "s",
    "Duration of a recorded step.",
    Source.WORKER,
    attributes=(at.JOB_KIND, at.JOB_STEP),
    buckets=_RUNS,
)
JOB_STORAGE_CALLS = Metric(
    "job.storage.calls",
    Instrument.HISTOGRAM,
    "{call}",
    "Storage calls of a worker for one run, without lease renewals.",
    Source.WORKER,
    attributes=(at.JOB_KIND,),
    buckets=(2, 4, 6, 8, 10, 15, 20, 50, 100, 500),
)
JOB_SILENCE = Metric(
    "job.silence",
    Instrument.GAUGE,
    "s",
    "Longest time since a run here showed progress, by a step, saved state or report.",
    Source.WORKER,
    attributes=(at.JOB_KIND,),
)
JOBS = Metric(
    "jobs",
    Instrument.GAUGE,
    "{job}",
    "Unfinished jobs by status.",
    Source.SCHEDULER,
    attributes=(at.JOB_STATUS,),
)
JOBS_UNKNOWN_KIND = Metric(
    "jobs.unknown_kind",
    Instrument.COUNTER,
    "{encounter}",
    "Times a worker met a next job of a kind it does not know.",
    Source.WORKER,
)

# --- Requests --------------------------------------------------------------------------------------------

HTTP_DURATION = Metric(
    "http.server.request.duration",
    Instrument.HISTOGRAM,
    "s",
    "Duration of HTTP requests, followed jobs included.",
    Source.PUBLISHER,
    attributes=(
        at.HTTP_METHOD,
        at.HTTP_ROUTE,
        at.HTTP_STATUS,
        at.HTTP_VERSION,
        at.URL_SCHEME,
        at.ERROR_TYPE,
    ),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
    convention=True,
)
HTTP_ACTIVE = Metric(
    "http.server.active_requests",
    Instrument.UP_DOWN_COUNTER,
    "{request}",
    "HTTP requests in progress.",
    Source.PUBLISHER,
    attributes=(at.HTTP_METHOD, at.URL_SCHEME),
    convention=True,
)

# --- Locks and leases ----------------------------------------------------------------------------------

HAND_OVER_DURATION = Metric(
    "lock.hand_over.duration",
    Instrument.HISTOGRAM,
    "s",
    "Time from a handler's return, or from the release of the lock, to the first line of the next handler.",
    Source.WORKER,
    attributes=(at.HAND_OVER_CAUSE,),
    buckets=_HAND_OVERS,
)
TAKE_OVER_DURATION = Metric(
    "lock.take_over.duration",
    Instrument.HISTOGRAM,
    "s",
    "Time from an interruption to the next start; if a worker was lost, from its last heartbeat.",
    Source.WORKER,
    attributes=(at.TAKE_OVER_CAUSE,),
    buckets=_TAKE_OVERS,
)
LOCK_RUN_AGE = Metric(
    "lock.run.age",
    Instrument.GAUGE,
    "s",
    "Age of running jobs; only the longest runs.",
    Source.SCHEDULER,
    attributes=(at.LOCK_NAME, at.WORKER_NAME, at.JOB_KIND),
)
LOCKS_HELD = Metric(
    "locks.held",
    Instrument.GAUGE,
    "{lock}",
    "Locks that this worker holds.",
    Source.WORKER,
)
WRITES_REFUSED = Metric(
    "lock.writes.refused",
    Instrument.COUNTER,
    "{write}",
    "Rejected writes of a holder.",
    Source.WORKER,
    attributes=(at.WRITE_REFUSAL,),
)
LEASE_MARGIN = Metric(
    "lease.renewal.margin",
    Instrument.HISTOGRAM,
    "s",
    "Time left, at a renewal, before the run would have been stopped.",
    Source.WORKER,
    buckets=(0.5, 1, 2, 3, 4, 5, 7.5, 10, 12.5, 15, 20, 25, 30, 40),
)
RENEWALS_FAILED = Metric(
    "lease.renewals.failed",
    Instrument.COUNTER,
    "{renewal}",
    "Renewals that failed.",
    Source.WORKER,
    attributes=(at.LEASE_FAILURE,),
)
LINE_LENGTH = Metric(
    "line.length",
    Instrument.GAUGE,
    "{job}",
    "Jobs in line; only the longest lines.",
    Source.SCHEDULER,
    attributes=(at.LOCK_NAME,),
)
LINE_AGE = Metric(
    "line.age",
    Instrument.GAUGE,
    "s",
    "Time that the first job in line has waited; only the oldest lines.",
    Source.SCHEDULER,
    attributes=(at.LOCK_NAME,),
)

# --- The proof -----------------------------------------------------------------------------------------

EXCLUSION_VIOLATIONS = Metric(
    "exclusion.violations",
    Instrument.COUNTER,
    "{violation}",
    "Runs under one lock that overlapped, by the audit trail. Must be 0.",
    Source.AUDIT_PROJECTOR,
)
TRAIL_BREAKS = Metric(
    "audit.trail.breaks",
    Instrument.COUNTER,
    "{event}",
    "Events that do not follow from the one before. Must be 0.",
    Source.AUDIT_PROJECTOR,
)
PROJECTION_LAG = Metric(
    "projection.lag",
    Instrument.HISTOGRAM,
    "s",
    "Time from an event's commit to its row in the audit trail.",
    Source.AUDIT_PROJECTOR,
    buckets=_WAITS,
)
EVENTS_PROJECTED = Metric(
    "projection.events",
    Instrument.COUNTER,
    "{event}",
    "Events written to the audit trail.",
    Source.AUDIT_PROJECTOR,
)

# --- Wake-ups, sweeps, messages -------------------------------------------------------------------------

WAKE_UPS_SENT = Metric(
    "wake_ups.sent",
    Instrument.COUNTER,
    "{wake_up}",
    "Wake-ups sent.",
    Source.PUBLISHER,
    Source.WORKER,
    Source.SCHEDULER,
    attributes=(at.WAKE_UP_REASON,),
)
WAKE_UPS_HANDLED = Metric(
    "wake_ups.handled",
    Instrument.COUNTER,
    "{wake_up}",
    "Wake-ups received, by outcome.",
    Source.WORKER,
    attributes=(at.WAKE_UP_OUTCOME,),
)
SWEEPS = Metric(
    "sweeps",
    Instrument.COUNTER,
    "{sweep}",
    "Passes of the sweeper.",
    Source.SCHEDULER,
)
SWEEP_REPAIRS = Metric(
    "sweep.repairs",
    Instrument.COUNTER,
    "{repair}",
    "Repairs by the sweeper.",
    Source.SCHEDULER,
    attributes=(at.SWEEP_REPAIR,),
)
JOB_EXPIRATIONS = Metric(
    "job.expirations",
    Instrument.COUNTER,
    "{job}",
    "Jobs that ended as Expired: they had waited for longer than they may.",
    Source.SCHEDULER,
)
RETENTION_STEPS = Metric(
    "retention.steps",
    Instrument.COUNTER,
    "{job}",
    "Jobs whose time is over, by what became of them.",
    Source.SCHEDULER,
    attributes=(at.RETENTION_STEP,),
)
SCHEDULE_FIRINGS = Metric(
    "schedule.firings",
    Instrument.COUNTER,
    "{firing}",
    "Due times of schedules, by what became of them.",
    Source.SCHEDULER,
    attributes=(at.SCHEDULE_OUTCOME,),
)
SCHEDULE_LATENESS = Metric(
    "schedule.lateness",
    Instrument.HISTOGRAM,
    "s",
    "Time from a due time until its job was submitted, or refused.",
    Source.SCHEDULER,
    buckets=_WAITS,
)
ON_DUTY = Metric(
    "scheduler.on_duty",
    Instrument.GAUGE,
    "{scheduler}",
    "1 while this scheduler is the leader.",
    Source.SCHEDULER,
)
MESSAGING_OPERATION_DURATION = Metric(
    "messaging.client.operation.duration",
    Instrument.HISTOGRAM,
    "s",
    "Time from before a message is sent until the broker confirms it or the wait ends.",
    *SERVICES,
    attributes=_MESSAGE,
    buckets=_MOMENTS,
    convention=True,
)
MESSAGING_PROCESS_DURATION = Metric(
    "messaging.process.duration",
    Instrument.HISTOGRAM,
    "s",
    "Time that a handler took for a message.",
    Source.PUBLISHER,
    Source.WORKER,
    Source.AUDIT_PROJECTOR,
    attributes=_MESSAGE,
    buckets=_MOMENTS,
    convention=True,
)
MESSAGES_QUARANTINED = Metric(
    "messages.quarantined",
    Instrument.COUNTER,
    "{message}",
    "Messages quarantined because they were invalid.",
    *SERVICES,
)
MESSAGES_UNCONFIRMED = Metric(
    "messages.unconfirmed",
    Instrument.COUNTER,
    "{message}",
    "Messages that the broker did not confirm.",
    *SERVICES,
    attributes=(at.MESSAGE_TYPE,),
)
ANNOUNCEMENTS_DROPPED = Metric(
    "announcements.dropped",
    Instrument.COUNTER,
    "{message}",
    "Unpublished events left to the sweeper.",
    *SERVICES,
)

TELEMETRY_DROPPED = Metric(
    "telemetry.dropped",
    Instrument.COUNTER,
    "{record}",
    "Spans and log records that a service made and could not send.",
    *SERVICES,
    Source.DASHBOARD,
    attributes=(at.TELEMETRY_SIGNAL, at.TELEMETRY_LOSS),
)

HEALTH_CHECK_PASSED = Metric(
    "health.check.passed",
    Instrument.GAUGE,
    "1",
    "Whether what a service uses was there (1) or not (0), when its health was asked for last.",
    *SERVICES,
    Source.DASHBOARD,
    attributes=(at.CHECK_NAME,),
)

# --- Workers, runners, storage ---------------------------------------------------------------------------

WORKERS = Metric(
    "workers",
    Instrument.GAUGE,
    "{worker}",
    "Workers by heartbeat.",
    Source.SCHEDULER,
    attributes=(at.WORKER_STATE,),
)
RUNNERS = Metric(
    "runners",
    Instrument.GAUGE,
    "{runner}",
    "Runner processes.",
    Source.WORKER,
    attributes=(at.RUNNER_STATE,),
)
RUNNER_RESTARTS = Metric(
    "runner.restarts",
    Instrument.COUNTER,
    "{restart}",
    "Runners replaced.",
    Source.WORKER,
    attributes=(at.RUNNER_END,),
)
STORAGE_CALL_DURATION = Metric(
    "storage.call.duration",
    Instrument.HISTOGRAM,
    "s",
    "Duration of one request to the storage.",
    *SERVICES,
    Source.DASHBOARD,
    attributes=(at.STORAGE_OPERATION, at.STORAGE_OUTCOME),
    buckets=_MOMENTS,
)
