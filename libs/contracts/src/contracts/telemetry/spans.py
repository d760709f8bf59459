"""Names of spans and of moments on them. None contains an id.

A job's trace begins with its submission. Every attempt is one span, `run job`, whose id follows from the job
and the attempt: what the attempt does hangs under it from the beginning, although the span is exported when
the attempt is over, by the worker that took over if its own was lost. Early pieces show a run in progress.
"""

from contracts.telemetry import attributes as at
from contracts.telemetry.names import SERVICES, Source, SpanEvent, SpanName

_STORAGE = (at.STORAGE_CALLS, at.STORAGE_SECONDS)
_JOB = (at.JOB_ID, at.JOB_KIND, at.LOCK_NAME)
_ASKED = (*_JOB, at.JOB_PRIORITY)
_SCHEDULE = (at.SCHEDULE_NAME, at.SCHEDULE_DUE_AT)
_RUN = (*_JOB, at.JOB_ATTEMPT, at.LOCK_FENCE, at.WORKER_NAME)
_OUTCOME = (at.JOB_OUTCOME, at.JOB_STEPS, at.REASON, at.ERROR_TYPE)
_END = (*_RUN, *_OUTCOME, *_STORAGE)

# --- Submission and line -----------------------------------------------------------------------------

HTTP_REQUEST = SpanName(
    "{http.request.method} {http.route}",
    "A request to the HTTP API. Its trace is the caller's, if the caller sends one; the answer names it. A"
    " submission of one job has the kind after the route, and the job's attributes.",
    Source.PUBLISHER,
    kind="server",
    attributes=(
        at.HTTP_METHOD,
        at.HTTP_ROUTE,
        at.HTTP_STATUS,
        at.HTTP_VERSION,
        at.URL_SCHEME,
        at.URL_PATH,
        at.URL_QUERY,
        at.SERVER_ADDRESS,
        at.SERVER_PORT,
        at.ERROR_TYPE,
        *_ASKED,
        *_STORAGE,
    ),
)
SUBMIT_KIND = SpanName(
    "submit job {job.kind}",
    "A job is checked, registered and added to its line. First of the job's own spans.",
    Source.PUBLISHER,
    Source.SCHEDULER,
    attributes=(*_ASKED, *_SCHEDULE, at.JOB_SUBMISSION_OUTCOME, at.ERROR_TYPE, *_STORAGE),
)
SUBMIT_JOB = SpanName(
    "submit job",
    "The same for a kind that no worker knows, or for what cannot be read.",
    Source.PUBLISHER,
    Source.SCHEDULER,
    attributes=(*_ASKED, *_SCHEDULE, at.JOB_SUBMISSION_OUTCOME, at.ERROR_TYPE, *_STORAGE),
)
REQUEST_CANCELLATION = SpanName(
    "request cancellation",
    "A job is asked to stop, or is cancelled in line.",
    Source.PUBLISHER,
    attributes=(at.JOB_ID, at.LOCK_NAME, at.ERROR_TYPE, *_STORAGE),
)
WAIT_IN_LINE = SpanName(
    "wait in line",
    "From the submission, or the interruption, to the start.",
    Source.WORKER,
    attributes=(*_JOB, at.JOB_ATTEMPT),
)
LOOK_AT_LINE = SpanName(
    "look at line",
    "The scheduler saw the job wait: its position and the running job. At first often, later every 10 min.",
    Source.SCHEDULER,
    attributes=(*_JOB, at.LINE_POSITION, at.LINE_LENGTH, at.LINE_SECONDS, at.WORKER_NAME),
)

# --- Runs ----------------------------------------------------------------------------------------------

ACQUIRE_LEASE = SpanName(
    "acquire lease",
    "A worker gets the lock's lease.",
    Source.WORKER,
    attributes=(*_JOB, at.WORKER_NAME, *_STORAGE),
)
TAKE_OVER_LOCK = SpanName(
    "take over lock",
    "The transaction that starts an attempt and ends an interrupted run.",
    Source.WORKER,
    attributes=(*_RUN, at.JOB_INTERRUPTIONS, at.HAND_OVER_CAUSE, at.TAKE_OVER_CAUSE, *_STORAGE),
)
START_NEXT_JOB = SpanName(
    "start next job",
    "The transaction that ended the run before and started this attempt.",
    Source.WORKER,
    attributes=(*_RUN, at.JOB_INTERRUPTIONS, at.HAND_OVER_CAUSE, *_STORAGE),
)
RUN_JOB = SpanName(
    "run job",
    "An attempt, from its start to its end. Exported when it is over, by the worker that takes over if its"
    " own was lost; what it does hangs under it.",
    Source.WORKER,
    attributes=(*_RUN, *_OUTCOME),
)
RUN_SO_FAR = SpanName(
    "run job so far",
    "An early piece of `run job`, which is not over yet: the time since the piece before, and the step that"
    " runs now. Sent 2 s after the start or later, when the step has changed or the run is twice as long.",
    Source.WORKER,
    attributes=(*_RUN, at.JOB_STEP, at.JOB_STEPS, at.JOB_PROGRESS, at.JOB_PROGRESS_LIMIT),
)
STEP = SpanName(
    "step {job.step}",
    "A step of the handler, from its beginning until its record is committed, or until it failed. The span's"
    " name has the part of the step's name that the handler's code fixes, the attribute the whole.",
    Source.WORKER,
    attributes=(*_RUN, at.JOB_STEP, at.ERROR_TYPE, *_STORAGE),
)
ANY_STEP = SpanName(
    "step",
    "The same for a step whose name is made of data alone.",
    Source.WORKER,
    attributes=(*_RUN, at.JOB_STEP, at.ERROR_TYPE, *_STORAGE),
)
SAVE_STATE = SpanName(
    "save state",
    "The handler saves state for the next attempt.",
    Source.WORKER,
    attributes=(*_RUN, at.JOB_STATE_SIZE, *_STORAGE),
)
COMPLETE_JOB = SpanName("complete job", "The run's result is recorded.", Source.WORKER, attributes=_END)
FAIL_JOB = SpanName("fail job", "The run's failure is recorded.", Source.WORKER, attributes=_END)
FAIL_ATTEMPT = SpanName(
    "fail attempt",
    "The failure of the run is recorded, and when the job is tried again.",
    Source.WORKER,
    attributes=_END,
)
CANCEL_JOB = SpanName("cancel job", "The run's cancellation is recorded.", Source.WORKER, attributes=_END)
TIME_OUT_JOB = SpanName("time out job", "The run's timeout is recorded.", Source.WORKER, attributes=_END)
EXPIRE_JOB = SpanName(
    "expire job",
    "A job ends that had waited for longer than it may.",
    Source.SCHEDULER,
    attributes=_JOB,
)
INTERRUPT_JOB = SpanName(
    "interrupt job",
    "The interruption of the run is recorded, by its own worker or by the one that took over.",
    Source.WORKER,
    attributes=_END,
)
RELEASE_LEASE = SpanName(
    "release lease",
    "A worker releases the lease.",
    Source.WORKER,
    attributes=(*_JOB, at.WORKER_NAME, *_STORAGE),
)

# --- Behind the scenes -----------------------------------------------------------------------------------

SWEEP = SpanName(
    "sweep",
    "A pass of the sweeper that repaired something, or ended jobs that expired.",
    Source.SCHEDULER,
    attributes=(
        at.SWEEP_ACTIVE,
        at.SWEEP_RUNG,
        at.SWEEP_ANNOUNCED,
        at.SWEEP_ABANDONED,
        at.SWEEP_EXPIRED,
    ),
)
STORAGE_CALL = SpanName(
    "{storage.operation}",
    "A request to the storage that failed, was sent again, or took half a second or longer. Others are only"
    " counted, on the span that waited for them.",
    *SERVICES,
    kind="client",
    attributes=(at.STORAGE_OPERATION, at.STORAGE_OUTCOME, at.RESEND_COUNT, at.ERROR_TYPE),
)

# --- Messages: until the broker has confirmed them, and while they are handled -----------------------------

_MESSAGE = (
    at.MESSAGING_SYSTEM,
    at.MESSAGING_OPERATION_NAME,
    at.MESSAGING_OPERATION_TYPE,
    at.MESSAGING_DESTINATION,
    at.MESSAGING_ROUTING_KEY,
    at.MESSAGING_MESSAGE_ID,
    at.MESSAGING_CONVERSATION_ID,
    at.MESSAGING_BODY_SIZE,
    at.SERVER_ADDRESS,
    at.SERVER_PORT,
    at.ERROR_TYPE,
)

SEND_JOBS = SpanName(
    "send jobs",
    "A wake-up is sent, for now or for later.",
    Source.PUBLISHER,
    Source.WORKER,
    Source.SCHEDULER,
    kind="producer",
    attributes=_MESSAGE,
)
SEND_EVENTS = SpanName(
    "send events",
    "Recorded events of jobs are sent.",
    Source.PUBLISHER,
    Source.WORKER,
    Source.SCHEDULER,
    kind="producer",
    attributes=_MESSAGE,
)
SEND_CONTROL = SpanName(
    "send control",
    "A hint is sent to every worker.",
    Source.PUBLISHER,
    kind="producer",
    attributes=_MESSAGE,
)
SEND_QUARANTINE = SpanName(
    "send quarantine",
    "A message is quarantined.",
    Source.PUBLISHER,
    Source.WORKER,
    Source.AUDIT_PROJECTOR,
    kind="producer",
    attributes=_MESSAGE,
)
PROCESS_JOBS = SpanName(
    "process jobs", "A worker handles a wake-up.", Source.WORKER, kind="consumer", attributes=_MESSAGE
)
PROCESS_SUBMISSIONS = SpanName(
    "process submissions",
    "The publisher handles a SubmitJob command.",
    Source.PUBLISHER,
    kind="consumer",
    attributes=(*_MESSAGE, *_ASKED, *_STORAGE),
)
PROCESS_EVENTS = SpanName(
    "process events",
    "The audit-projector projects the jobs that a message names. Links lead to their submissions.",
    Source.AUDIT_PROJECTOR,
    kind="consumer",
    attributes=(*_MESSAGE, *_STORAGE),
)
PROCESS_CONTROL = SpanName(
    "process control",
    "A worker handles a hint.",
    Source.WORKER,
    kind="consumer",
    attributes=_MESSAGE,
)

# --- Moments ---------------------------------------------------------------------------------------------

LOCK_HELD = SpanEvent(
    "lock held", "Another worker holds the lock; the job waits.", Source.WORKER, attributes=(at.LOCK_NAME,)
)
WAKE_UP_DEFERRED = SpanEvent(
    "wake-up deferred",
    "The wake-up was deferred and arrives again later.",
    Source.WORKER,
    attributes=(at.LOCK_NAME,),
)
RUN_INTERRUPTED = SpanEvent(
    "run interrupted",
    "The run was interrupted; the reason is an attribute.",
    Source.WORKER,
    attributes=(at.REASON, at.JOB_ATTEMPT, at.TAKE_OVER_CAUSE),
)
STEP_RECORDED = SpanEvent(
    "step recorded",
    "A step that the interrupted attempt had recorded, from the journal.",
    Source.WORKER,
    attributes=(at.JOB_STEP, at.JOB_STEP_SECONDS, at.JOB_ATTEMPT),
)
RENEWAL_FAILED = SpanEvent(
    "renewal failed", "A renewal had no answer and is sent again.", Source.WORKER, attributes=(at.REASON,)
)
LEASE_LOST = SpanEvent(
    "lease lost", "The lease was lost or its deadline passed.", Source.WORKER, attributes=(at.REASON,)
)
WRITE_REFUSED = SpanEvent(
    "write refused",
    "A write of the run was rejected; the run wrote nothing more.",
    Source.WORKER,
    attributes=(at.REASON,),
)
JOB_PROJECTED = SpanEvent(
    "job projected",
    "A job's new events were written to the audit trail and the other read models.",
    Source.AUDIT_PROJECTOR,
    attributes=(at.JOB_ID, at.LOCK_NAME, at.JOB_EVENT_COUNT),
)
PROJECTION_FAILED = SpanEvent(
    "projection failed",
    "A job's new events could not be written, and are tried again.",
    Source.AUDIT_PROJECTOR,
    attributes=(at.JOB_ID, at.LOCK_NAME, at.ERROR_TYPE),
)
QUARANTINED = SpanEvent(
    "message quarantined", "The message was quarantined.", *SERVICES, attributes=(at.REASON,)
)
