"""Panels about messages: RabbitMQ, wake-ups, and the sweeper that makes up for lost ones."""

from collections.abc import Mapping

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from deploy.dashboards import foreign
from deploy.dashboards.foreign import QUEUE
from deploy.dashboards.panels import COUNT, PER_SECOND, SECONDS, Panel, Query, graph
from deploy.dashboards.queries import Measured, happened, quantile, rate, series, shown, total


def broker() -> list[Panel]:
    """RabbitMQ: its queues, and what goes through them."""
    return [_queues(), _unacked(), _messages(), _trouble(), _sending(), _processing()]


def wake_ups() -> list[Panel]:
    """Wake-ups, and what the sweeper on duty repaired."""
    return [_notified(), _answered(), _repairs(), _duty()]


def _queues() -> Panel:
    return graph(
        "Messages that wait, by queue",
        "wake-ups, events, submissions, deferred wake-ups, and messages in quarantine.",
        [Query(total(series(foreign.QUEUE_READY), QUEUE), shown(QUEUE))],
        COUNT,
        empty="RabbitMQ exports nothing",
    )


def _unacked() -> Panel:
    return graph(
        "Messages at their consumers, and consumers, by queue",
        "Messages that consumers have but are not done with, and how many consumers there are.",
        [
            Query(total(series(foreign.QUEUE_UNACKED), QUEUE), shown(QUEUE)),
            Query(total(series(foreign.QUEUE_CONSUMERS), QUEUE), f"consumers of {shown(QUEUE)}"),
        ],
        COUNT,
        empty="RabbitMQ exports nothing",
    )


def _messages() -> Panel:
    flows: Mapping[str, Measured] = {
        "received": foreign.MESSAGES_RECEIVED,
        "delivered": foreign.MESSAGES_DELIVERED,
        "acknowledged": foreign.MESSAGES_ACKED,
        "redelivered": foreign.MESSAGES_REDELIVERED,
    }
    return graph(
        "Messages processed",
        "Messages that RabbitMQ received, delivered, and got acknowledged; redelivered: a consumer was lost.",
        [Query(total(rate(series(metric))), name) for name, metric in flows.items()],
        PER_SECOND,
        empty="RabbitMQ exports nothing",
    )


def _trouble() -> Panel:
    counts: Mapping[str, Measured] = {
        "quarantined": metrics.MESSAGES_QUARANTINED,
        "not confirmed": metrics.MESSAGES_UNCONFIRMED,
        "announcements left to the sweeper": metrics.ANNOUNCEMENTS_DROPPED,
    }
    return graph(
        "Messages in trouble",
        "Messages that were quarantined, not confirmed by the broker, or not sent at all.",
        [Query(total(happened(series(metric))), name) for name, metric in counts.items()],
        COUNT,
        bars=True,
        empty="none",
    )


def _sending() -> Panel:
    return graph(
        "How long sending takes, by destination",
        "From before a message is sent until the broker has confirmed it: 95 % took no longer.",
        [
            Query(
                quantile(0.95, metrics.MESSAGING_OPERATION_DURATION, at.MESSAGING_DESTINATION),
                shown(at.MESSAGING_DESTINATION),
                exemplars=True,
            )
        ],
        SECONDS,
        empty="nothing was sent",
    )


def _processing() -> Panel:
    return graph(
        "How long handling a message takes, by destination",
        "How long a handler had a message: 95 % took no longer.",
        [
            Query(
                quantile(0.95, metrics.MESSAGING_PROCESS_DURATION, at.MESSAGING_DESTINATION),
                shown(at.MESSAGING_DESTINATION),
                exemplars=True,
            )
        ],
        SECONDS,
        empty="nothing was handled",
    )


def _notified() -> Panel:
    return graph(
        "Wake-ups sent, by reason",
        "Why wake-ups were sent: a submission, a release, a deferral, or a sweep that found idle work.",
        [Query(total(rate(series(metrics.WAKE_UPS_SENT)), at.WAKE_UP_REASON), shown(at.WAKE_UP_REASON))],
        PER_SECOND,
        empty="none was sent",
    )


def _answered() -> Panel:
    return graph(
        "Wake-ups handled, by outcome",
        "What workers did: took the lock, found the line empty or the lock held, or passed the wake-up on.",
        [Query(total(rate(series(metrics.WAKE_UPS_HANDLED)), at.WAKE_UP_OUTCOME), shown(at.WAKE_UP_OUTCOME))],
        PER_SECOND,
        empty="none was handled",
    )


def _repairs() -> Panel:
    repairs = total(happened(series(metrics.SWEEP_REPAIRS)), at.SWEEP_REPAIR)
    return graph(
        "Sweeps and repairs",
        "Passes of the sweeper, its repairs (wake-ups sent, events published again, ids closed), jobs that "
        "expired, and jobs that left as their time is over.",
        [
            Query(repairs, shown(at.SWEEP_REPAIR)),
            Query(total(happened(series(metrics.JOB_EXPIRATIONS))), "jobs expired"),
            Query(
                total(happened(series(metrics.RETENTION_STEPS)), at.RETENTION_STEP),
                f"jobs {shown(at.RETENTION_STEP)}",
            ),
            Query(total(rate(series(metrics.SWEEPS))), "sweeps per second"),
        ],
        COUNT,
        empty="no sweep was made",
    )


def _duty() -> Panel:
    return graph(
        "Schedulers on duty",
        "Exactly one of all schedulers should be on duty; the others stand by.",
        [
            Query(total(series(metrics.ON_DUTY)), "leader"),
            Query(f"count({series(metrics.ON_DUTY)})", "schedulers"),
        ],
        COUNT,
        empty="no scheduler is watched",
    )
