"""What surrounds a dashboard's panels: its address, its time, and the way to the others."""

from collections.abc import Sequence
from typing import Literal

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as models

from deploy.dashboards.panels import PROMETHEUS, Panel

#: Dashboards of this tag link to each other.
TAG = "turnstile"

#: Where Turnstile's own dashboard is, for links to jobs and locks: the default of `make up`.
_OWN_DASHBOARD = "http://127.0.0.1:8050"
_VARIABLE = "dashboard"

#: Added to a link in place of an address of Turnstile's dashboard.
OWN_DASHBOARD = f"${{{_VARIABLE}}}"

Variables = Sequence[dashboard.QueryVariable | dashboard.TextBoxVariable]


def frame(
    uid: str,
    title: str,
    description: str,
    rows: Sequence[tuple[str, Sequence[Panel]]],
    *,
    shows: str = "now-1h",
    refresh: str | Literal[False] = "30s",
    variables: Variables = (),
    page: str = "",
    is_listed: bool = True,
) -> models.Dashboard:
    """Make a dashboard of titled rows; the title of the first may be empty.

    `page` is the page of Turnstile's dashboard that says more. Others link to a dashboard that is listed.
    """
    others = (
        dashboard.DashboardLink("Turnstile")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(False)
        .keep_time(True)
    )
    made = (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG] if is_listed else [])
        .readonly()
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .time(shows, "now")
        .refresh(refresh)
        .link(others)
        .link(_own_dashboard(page))
    )
    own = dashboard.ConstantVariable(_VARIABLE).label("Turnstile's dashboard").value(_OWN_DASHBOARD)
    for variable in (*variables, own):
        made = made.with_variable(variable)
    for row, panels in rows:
        if row:
            made = made.with_row(dashboard.Row(row))
        for panel in panels:
            made = made.with_panel(panel)
    return made.build()


def _own_dashboard(page: str) -> dashboard.DashboardLink:
    return (
        dashboard.DashboardLink("Dashboard")
        .type(models.DashboardLinkType.LINK)
        .icon("external link")
        .tooltip("The same in Turnstile's dashboard")
        .url(f"{OWN_DASHBOARD}/{page}")
        .target_blank(True)
    )


def choice(name: str, title: str, label: str, metric: str) -> dashboard.QueryVariable:
    """Let a label's values be chosen; all of them at first."""
    return (
        dashboard.QueryVariable(name)
        .label(title)
        .query(f"label_values({metric}, {label})")
        .datasource(PROMETHEUS)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(models.VariableOption(selected=True, text=["All"], value=["$__all"]))
    )
