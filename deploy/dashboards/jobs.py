"""Jobs: how many, how long, how they end, and what slows them down."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from deploy.dashboards import one_job
from deploy.dashboards.frame import choice, frame
from deploy.dashboards.panels import (
    COUNT,
    PER_SECOND,
    SECONDS,
    Panel,
    Query,
    graph,
    log_lines,
)
from deploy.dashboards.queries import SHOWN, happened, label, quantile, rate, series, shown, total
from deploy.dashboards.tables import Column, table_panel

UID = "jobs"

_KIND: dict[str, str] = {at.JOB_KIND: "$kind"}
_QUANTILES = (0.5, 0.95, 0.99)
_NOT_FAILURES = ("completed", "cancelled")


def build() -> Dashboard:
    """Make the dashboard."""
    kinds = choice("kind", "Kind", label(at.JOB_KIND), metrics.JOB_LINE_DURATION.prometheus_name + "_count")
    return frame(
        UID,
        "Jobs",
        "How many jobs of which kind come, wait, run and fail.",
        [
            ("Coming and going", [_ends(), _submissions()]),
            ("Waiting and running", [_in_line(), *_durations()]),
            ("Schedules", [_firings(), _lateness()]),
            ("What takes long", [_slowest_steps(), _silence()]),
            ("What went wrong", [_failures(), _failure_table(), _failure_logs()]),
        ],
        variables=[kinds],
    )


def _ends() -> Panel:
    runs = rate(series(metrics.JOB_RUN_DURATION, "_count", like=_KIND))
    return graph(
        "Runs ended, by kind and outcome",
        "How many attempts ended per second, and how.",
        [
            Query(
                total(runs, at.JOB_KIND, at.JOB_OUTCOME),
                f"{shown(at.JOB_KIND)}, {shown(at.JOB_OUTCOME)}",
            )
        ],
        PER_SECOND,
        empty="no run ended",
    )


def _submissions() -> Panel:
    came = rate(series(metrics.JOB_SUBMISSIONS, like=_KIND))
    return graph(
        "Submissions, by outcome",
        "How many jobs were submitted per second: accepted, known already, refused, or with unknown outcome.",
        [Query(total(came, at.JOB_SUBMISSION_OUTCOME), shown(at.JOB_SUBMISSION_OUTCOME))],
        PER_SECOND,
        empty="nothing was submitted",
    )


def _firings() -> Panel:
    fired = happened(series(metrics.SCHEDULE_FIRINGS))
    return graph(
        "Due times, by what became of them",
        "Due times of schedules whose job was submitted, skipped or refused, and those that were missed.",
        [Query(total(fired, at.SCHEDULE_OUTCOME), shown(at.SCHEDULE_OUTCOME))],
        COUNT,
        bars=True,
        empty="nothing was due",
    )


def _lateness() -> Panel:
    return graph(
        "How late due times are seen to",
        "From a due time until its job was submitted, or refused.",
        [
            Query(quantile(share, metrics.SCHEDULE_LATENESS), f"{share:.0%} no later than")
            for share in _QUANTILES
        ],
        SECONDS,
        empty="nothing was due",
    )


def _in_line() -> Panel:
    return graph(
        "Time in line",
        "From the submission, or an interruption, to the start; points lead to traces.",
        [
            Query(
                quantile(share, metrics.JOB_LINE_DURATION, like=_KIND), f"{share:.0%}", exemplars=share > 0.9
            )
            for share in _QUANTILES
        ],
        SECONDS,
        empty="no job started",
        width=24,
    )


def _durations() -> list[Panel]:
    return [
        graph(
            f"Run duration, {share:.0%}",
            f"{share:.0%} of the attempts of a kind took no longer; points lead to traces.",
            [
                Query(
                    quantile(share, metrics.JOB_RUN_DURATION, at.JOB_KIND, like=_KIND),
                    shown(at.JOB_KIND),
                    exemplars=True,
                )
            ],
            SECONDS,
            empty="no run ended",
            width=8,
        )
        for share in _QUANTILES
    ]


def _slowest_steps() -> Panel:
    kind, step = label(at.JOB_KIND), label(at.JOB_STEP)
    slow = quantile(0.95, metrics.JOB_STEP_DURATION, kind, step, window=SHOWN, like=_KIND)
    return table_panel(
        "Slowest steps",
        "The steps with the longest duration at the 95th percentile, in the time shown.",
        [Query(f"topk(15, {slow})")],
        [
            Column(kind, "Kind"),
            Column(step, "Step"),
            Column("Value #A", "95 % within", SECONDS),
        ],
        empty="no step was recorded",
    )


def _silence() -> Panel:
    return graph(
        "Longest silence",
        "How long the most silent run of a kind has shown no step, saved state or progress.",
        [
            Query(
                f"max by ({label(at.JOB_KIND)}) ({series(metrics.JOB_SILENCE, like=_KIND)})",
                shown(at.JOB_KIND),
            )
        ],
        SECONDS,
        empty="no job runs",
    )


def _failed(window: str | None = None) -> str:
    selected = series(
        metrics.JOB_RUN_DURATION,
        "_count",
        like={**_KIND, at.JOB_OUTCOME: "|".join(v for v in at.JOB_OUTCOME.values if v not in _NOT_FAILURES)},
    )
    found = happened(selected, window) if window else happened(selected)
    return total(found, at.JOB_KIND, at.JOB_OUTCOME)


def _failures() -> Panel:
    return graph(
        "Failures, by kind",
        "Attempts that failed, timed out or were interrupted.",
        [Query(_failed(), f"{shown(at.JOB_KIND)}, {shown(at.JOB_OUTCOME)}")],
        COUNT,
        bars=True,
        empty="nothing failed",
    )


def _failure_table() -> Panel:
    kind, outcome = label(at.JOB_KIND), label(at.JOB_OUTCOME)
    return table_panel(
        "Failures in the time shown",
        "How often each kind failed, timed out or was interrupted.",
        [Query(f"sort_desc({_failed(SHOWN)} > 0)")],
        [Column(kind, "Kind"), Column(outcome, "Outcome"), Column("Value #A", "Times")],
        empty="nothing failed",
    )


def _failure_logs() -> Panel:
    return log_lines(
        "Logs of failures",
        "Ends of runs that did not complete, and other warnings and errors about jobs.",
        f'{one_job.OURS} | {label(at.JOB_ID)} != "" | severity_text =~ "(?i)warn.*|error|critical|fatal"'
        f' | {label(at.JOB_KIND)} =~ "$kind" or {label(at.JOB_KIND)} = ""',
        empty="no warnings and no errors",
    )
