"""The alert rules. Each has a section in docs/runbooks.md, which explains what to do."""

from dataclasses import dataclass
from typing import Any

import yaml

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from contracts.telemetry.names import SERVICES
from contracts.topology import Topology
from deploy import ROOT
from deploy.dashboards import foreign, guarantee, plumbing, right_now, telemetry, thresholds
from deploy.dashboards.foreign import QUEUE
from deploy.dashboards.queries import happened, highest, label, quantile, series, total

#: The first needs a person at once, at any hour; the second needs one in working hours.
CRITICAL, WARNING = "critical", "warning"

# The names of queues in any installation.
_ANY = Topology(".+")


@dataclass(frozen=True)
class Alert:
    """One rule: fires when the expression has had a result for this long."""

    name: str
    severity: str
    expression: str
    #: How long, as Prometheus writes durations; every alert has a reason for its own.
    lasting: str
    summary: str
    description: str
    #: The dashboard to look at first.
    dashboard: str

    def rule(self) -> dict[str, Any]:
        """Return the rule as Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.lasting,
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{_documentation()}runbooks/#{self.name.lower()}",
                "dashboard": f"/d/{self.dashboard}",
            },
        }


def _documentation() -> str:
    """Return the address of the published documentation, which ends with a slash."""
    # The base loader reads the tags of Python objects in that file as plain text.
    site = yaml.load((ROOT / "mkdocs.yml").read_text(), yaml.BaseLoader)
    return str(site["site_url"])


def rules() -> dict[str, Any]:
    """Return the whole file."""
    return {"groups": [{"name": "turnstile", "rules": [alert.rule() for alert in alerts()]}]}


def alerts() -> list[Alert]:
    """Return all alerts, the gravest first."""
    return [
        *_proof(),
        _no_worker(),
        _target_down(),
        _renewal_margin(),
        _take_over_slow(),
        _job_stuck(),
        _line_too_old(),
        _quarantine(),
        *_projector(),
        _sweeper_repairs(),
        _telemetry_lost(),
    ]


def _proof() -> list[Alert]:
    # No waiting: one is too many. They stay for hours, so that they are still there in the morning.
    return [
        Alert(
            "ExclusionViolated",
            CRITICAL,
            f"{total(happened(series(metrics.EXCLUSION_VIOLATIONS), thresholds.MEMORY))} > 0",
            "0s",
            "Two runs under one lock overlapped",
            "{{ $value | printf `%.0f` }} overlaps in the audit trail within " + thresholds.MEMORY + ".",
            guarantee.UID,
        ),
        Alert(
            "TrailBroken",
            CRITICAL,
            f"{total(happened(series(metrics.TRAIL_BREAKS), thresholds.MEMORY))} > 0",
            "0s",
            "The audit trail has events that do not follow from the one before",
            "{{ $value | printf `%.0f` }} such events within " + thresholds.MEMORY + ".",
            guarantee.UID,
        ),
    ]


def _no_worker() -> Alert:
    return Alert(
        "NoWorker",
        CRITICAL,
        # Without a scheduler on duty no process counts workers; TargetDown fires then.
        f"{highest(series(metrics.WORKERS, where={at.WORKER_STATE: 'alive'}))} < 1",
        # Longer than all workers take to start again.
        "1m",
        "No worker is alive, so no job starts",
        "The scheduler sees no worker with a fresh heartbeat.",
        right_now.UID,
    )


def _target_down() -> Alert:
    missing = " or ".join(f"absent({series(foreign.UP, where={'job': name})})" for name in SERVICES)
    return Alert(
        "TargetDown",
        CRITICAL,
        f"{series(foreign.UP)} == 0 or {missing}",
        # A service that is replaced is away for some seconds.
        "1m",
        "{{ $labels.job }} is not scraped",
        "{{ with $labels.instance }}{{ . }} does not answer.{{ else }}Prometheus finds none.{{ end }}",
        plumbing.UID,
    )


def _renewal_margin() -> Alert:
    return Alert(
        "RenewalMarginLow",
        WARNING,
        f"{quantile(0.01, metrics.LEASE_MARGIN, 'instance', window='5m')} < {thresholds.LEAST_MARGIN:g}",
        # One slow renewal is not a trend.
        "1m",
        "Leases on {{ $labels.instance }} are renewed almost too late",
        "Only {{ $value | printf `%.1f` }} s were left at the tightest renewals; then jobs are stopped.",
        guarantee.UID,
    )


def _take_over_slow() -> Alert:
    slow = " or ".join(
        quantile(
            0.95,
            metrics.TAKE_OVER_DURATION,
            at.TAKE_OVER_CAUSE,
            window="30m",
            where={at.TAKE_OVER_CAUSE: cause},
        )
        + f" > {seconds:g}"
        for cause, seconds in thresholds.TAKE_OVER_WITHIN.items()
    )
    cause = label(at.TAKE_OVER_CAUSE)
    return Alert(
        "TakeOverSlow",
        WARNING,
        slow,
        # What is measured is over when it is known.
        "0s",
        f"Take-overs ({{{{ $labels.{cause} }}}}) take longer than promised",
        "The slowest of the last 30 minutes took about {{ $value | printf `%.1f` }} s.",
        guarantee.UID,
    )


def _job_stuck() -> Alert:
    kind = label(at.JOB_KIND)
    return Alert(
        "JobStuck",
        WARNING,
        f"{highest(series(metrics.JOB_SILENCE), kind, 'instance')} > {thresholds.LONGEST_SILENCE:g}",
        # The half hour before is long enough.
        "1m",
        f"A job of kind {{{{ $labels.{kind} }}}} shows no progress",
        "On {{ $labels.instance }}, nothing for {{ $value | humanizeDuration }}.",
        right_now.UID,
    )


def _line_too_old() -> Alert:
    lock = label(at.LOCK_NAME)
    return Alert(
        "LineTooOld",
        WARNING,
        f"{highest(series(metrics.LINE_AGE), lock)} > {thresholds.OLDEST_LINE:g}",
        # The hour before is long enough.
        "1m",
        f"The line of lock {{{{ $labels.{lock} }}}} does not move",
        "The first in line has waited for {{ $value | humanizeDuration }}.",
        right_now.UID,
    )


def _quarantine() -> Alert:
    waiting = series(foreign.QUEUE_MESSAGES, like={QUEUE: _ANY.quarantine_queue})
    return Alert(
        "QuarantineNotEmpty",
        WARNING,
        f"{highest(waiting, QUEUE)} > 0",
        # A person may be removing them already.
        "1m",
        "Messages are in quarantine: {{ $labels.queue }}",
        "{{ $value | printf `%.0f` }} messages that no service understood wait for a person to look at them.",
        plumbing.UID,
    )


def _projector() -> list[Alert]:
    queued = series(foreign.QUEUE_MESSAGES, like={QUEUE: _ANY.projector_queue})
    return [
        Alert(
            "ProjectorBehind",
            WARNING,
            f"{quantile(0.95, metrics.PROJECTION_LAG, window='5m')} > {thresholds.MOST_LAG:g}",
            # A burst, or a restart after a long night, is caught up with sooner.
            "5m",
            "The audit trail is behind the journal",
            "Events reach the trail {{ $value | humanizeDuration }} after their commit.",
            plumbing.UID,
        ),
        Alert(
            "EventsPileUp",
            WARNING,
            f"{highest(queued, QUEUE)} > {thresholds.MOST_EVENTS_QUEUED}",
            # As above. A projector that stands still measures no lag at all, so this rule counts messages.
            "5m",
            "Events pile up in {{ $labels.queue }}",
            "{{ $value | printf `%.0f` }} messages with events wait for the projector.",
            plumbing.UID,
        ),
    ]


def _sweeper_repairs() -> Alert:
    repairs = total(happened(series(metrics.SWEEP_REPAIRS), "1h"))
    starts = total(happened(series(metrics.JOB_LINE_DURATION, "_count"), "1h"))
    return Alert(
        "SweeperRepairs",
        WARNING,
        f"{repairs} / {starts} > {thresholds.MOST_REPAIRED:g} and {repairs} >= {thresholds.FEWEST_REPAIRS}",
        # The hour before smooths it, and the end of an outage should pass.
        "5m",
        "The sweeper repairs too much",
        "{{ $value | humanizePercentage }} as many repairs as starts within an hour: messages get lost.",
        plumbing.UID,
    )


def _telemetry_lost() -> Alert:
    return Alert(
        "TelemetryLost",
        WARNING,
        telemetry.losses(),
        # A full queue may empty; what was lost stays in the quarter of an hour before.
        "1m",
        "Traces or log records are lost between services, collector and the servers that keep them",
        "{{ with $labels.exporter }}The collector's {{ . }}{{ else }}{{ $labels.job }}{{ end }} "
        "{{ if lt $value 1.0 }}has a queue that is {{ $value | humanizePercentage }} full."
        "{{ else }}lost {{ $value | printf `%.0f` }} within 15 minutes.{{ end }}",
        plumbing.UID,
    )
