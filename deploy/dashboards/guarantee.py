"""Guarantee: whether what docs/guarantees.md promises was kept, and how near it came to not being."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from deploy.dashboards import thresholds
from deploy.dashboards.foreign import EFFECTS_ACCEPTED, EFFECTS_REFUSED
from deploy.dashboards.frame import frame
from deploy.dashboards.panels import (
    COUNT,
    SECONDS,
    Panel,
    Query,
    graph,
    heat,
    stat_panel,
)
from deploy.dashboards.queries import SHOWN, happened, quantile, series, shown, total

UID = "guarantee"

_CAUSES = {
    "worker_stopped": "worker stopped",
    "runner_died": "runner died",
    "worker_lost": "worker lost",
}


def build() -> Dashboard:
    """Make the dashboard."""
    return frame(
        UID,
        "Guarantee",
        "One job at a time per lock: whether that held, and how near it came to not holding.",
        [
            ("Must be 0", [_violations(), _breaks(), _refusals()]),
            ("Take-overs: promised and measured", [*_promises(), _take_overs(), _take_over_times()]),
            ("Leases", [_margins(), _margin_quantiles(), _failed_renewals(), _refused_writes()]),
            ("Outside", [_effects(), _refused_effects()]),
        ],
        shows="now-24h",
    )


def _violations() -> Panel:
    return stat_panel(
        "Exclusion violations",
        "Runs under one lock that overlapped, by the audit trail, in the time shown. Must be 0.",
        [Query(total(happened(series(metrics.EXCLUSION_VIOLATIONS), SHOWN)))],
        bad_from=1,
        empty="no projector is watching",
        width=8,
        decimals=0,
    )


def _breaks() -> Panel:
    return stat_panel(
        "Trail breaks",
        "Events that do not follow from the one before, in the time shown. Must be 0.",
        [Query(total(happened(series(metrics.TRAIL_BREAKS), SHOWN)))],
        bad_from=1,
        empty="no projector is watching",
        width=8,
        decimals=0,
    )


def _refusals() -> Panel:
    return stat_panel(
        "Fenced writes refused",
        "Writes of holders that had been replaced, or were late, in the time shown: no harm was done.",
        [Query(total(happened(series(metrics.WRITES_REFUSED), SHOWN)))],
        empty="no worker is watching",
        width=8,
        decimals=0,
    )


def _promises() -> list[Panel]:
    return [
        stat_panel(
            f"{words.capitalize()}: promised within {thresholds.TAKE_OVER_WITHIN[cause]:g} s",
            f"How long 95 % of the take-overs after “{words}” took at most, in the time shown.",
            [
                Query(
                    quantile(
                        0.95, metrics.TAKE_OVER_DURATION, window=SHOWN, where={at.TAKE_OVER_CAUSE: cause}
                    )
                )
            ],
            SECONDS,
            # A quantile on the bound is estimated as the bound itself, which is within the promise.
            bad_from=thresholds.TAKE_OVER_WITHIN[cause] + 0.001,
            empty="none in this time",
            width=8,
        )
        for cause, words in _CAUSES.items()
    ]


def _take_overs() -> Panel:
    taken = happened(series(metrics.TAKE_OVER_DURATION, "_count"))
    return graph(
        "Take-overs, by cause",
        "How often another run had to take over from one that was cut off.",
        [Query(total(taken, at.TAKE_OVER_CAUSE), shown(at.TAKE_OVER_CAUSE))],
        COUNT,
        bars=True,
        empty="no run was cut off",
    )


def _take_over_times() -> Panel:
    return graph(
        "How long take-overs take, by cause",
        "From a run being cut off to the next start; after a lost worker, from its last heartbeat.",
        [
            Query(
                quantile(0.95, metrics.TAKE_OVER_DURATION, at.TAKE_OVER_CAUSE),
                shown(at.TAKE_OVER_CAUSE),
                exemplars=True,
            )
        ],
        SECONDS,
        limit=thresholds.TAKE_OVER_WITHIN["worker_lost"],
        empty="no run was cut off",
    )


def _margins() -> Panel:
    return heat(
        "Renewal margin",
        "How much time was left, at each renewal, before the run would have been stopped.",
        Query(total(happened(series(metrics.LEASE_MARGIN, "_bucket")), "le"), "{{le}}"),
        SECONDS,
        empty="no lease was renewed",
    )


def _margin_quantiles() -> Panel:
    return graph(
        "Renewal margin, the smallest",
        f"The smallest and the median margin; below {thresholds.LEAST_MARGIN:g} s an alert warns.",
        [
            Query(quantile(0.01, metrics.LEASE_MARGIN), "1 %"),
            Query(quantile(0.5, metrics.LEASE_MARGIN), "50 %"),
        ],
        SECONDS,
        empty="no lease was renewed",
    )


def _failed_renewals() -> Panel:
    return graph(
        "Renewals failed",
        "Renewals that the store did not answer (transient), or that lost the lease (definitive).",
        [
            Query(
                total(happened(series(metrics.RENEWALS_FAILED)), at.LEASE_FAILURE),
                shown(at.LEASE_FAILURE),
            )
        ],
        COUNT,
        bars=True,
        empty="none failed",
    )


def _refused_writes() -> Panel:
    return graph(
        "Fenced writes refused, by reason",
        "Writes that were refused because the lock had moved on, or not sent because it was too late.",
        [Query(total(happened(series(metrics.WRITES_REFUSED)), at.WRITE_REFUSAL), shown(at.WRITE_REFUSAL))],
        COUNT,
        bars=True,
        empty="none was refused",
    )


def _effects() -> Panel:
    accepted, refused = (total(happened(series(metric))) for metric in (EFFECTS_ACCEPTED, EFFECTS_REFUSED))
    return graph(
        "Effects outside",
        "Effects that a target outside accepted, and refused because it knew a higher fence.",
        [Query(accepted, "accepted"), Query(refused, "refused")],
        COUNT,
        bars=True,
        empty="no target exports its effects",
        width=16,
    )


def _refused_effects() -> Panel:
    return stat_panel(
        "Effects refused",
        "Late effects that a target outside refused, in the time shown: there the fence did its work.",
        [Query(total(happened(series(EFFECTS_REFUSED), SHOWN)))],
        empty="no target exports its effects",
        width=8,
        decimals=0,
    )
