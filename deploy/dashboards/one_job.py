"""One job, by its id: its traces, what was logged about it and when."""

from typing import Any

from grafana_foundation_sdk.builders import dashboard, text, timeseries
from grafana_foundation_sdk.builders import loki as loki_queries
from grafana_foundation_sdk.cog import builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import text as texts

from contracts.telemetry import attributes as at
from contracts.telemetry.names import SERVICES, Source
from deploy.dashboards.frame import OWN_DASHBOARD, frame
from deploy.dashboards.panels import JAEGER, LOKI, Panel, log_lines
from deploy.dashboards.queries import label

UID = "one-job"

#: Loki's stream of everything that the services log.
OURS = '{service_namespace="turnstile"}'

# Without a job it would find every line that is about none.
_OF_JOB = f'{OURS} | {label(at.JOB_ID)} != "" | {label(at.JOB_ID)} = "${{job:raw}}"'
_EMPTY = "enter the id of a job above"

_HELP = f"""\
Enter a job's id above, or open `/d/{UID}?var-job=JOB`. **Traces** lists its traces, as a rule one; \
click it to see it below.

[Its page in the dashboard]({OWN_DASHBOARD}/job?id=${{job:percentencode}}) and `turnstile show JOB` show \
what the journal recorded, `turnstile locks LOCK` prints which jobs are ahead. Bars show when \
services logged something about the job: a gap while it runs is a handler that logs nothing.
"""


class JaegerQuery(Dataquery):
    """A query of Grafana's Jaeger data source, for which the SDK has no model."""

    def __init__(self, **fields: str | int) -> None:
        self._fields = fields

    def to_json(self) -> dict[str, Any]:
        """Return it as Grafana stores it."""
        return {"refId": "A", "datasource": JAEGER, **self._fields}


class _Ready(builder.Builder[Dataquery]):
    def __init__(self, query: Dataquery) -> None:
        self._query = query

    def build(self) -> Dataquery:
        return self._query


def build() -> models.Dashboard:
    """Make the dashboard."""
    job = dashboard.TextBoxVariable("job").label("Job").description("The job's id.").default_value("")
    trace = (
        dashboard.TextBoxVariable("trace")
        .label("Trace")
        .description("The trace shown below; a click in the list of traces sets it.")
        .default_value("")
    )
    return frame(
        UID,
        "One job",
        "Everything about one job: its traces, its time, its logs.",
        [
            ("", [_help(), _when()]),
            ("Traces", [_traces(), _waterfall()]),
            (
                "Logs",
                [log_lines("Logs", "Log lines of services and handler.", _OF_JOB, empty=_EMPTY, height=14)],
            ),
        ],
        shows="now-6h",
        refresh="10s",
        variables=[job, trace],
        page="job?id=${job:percentencode}",
    )


def _help() -> Panel:
    return (
        text.Panel()
        .title("This job")
        .description("How to use this dashboard.")
        .mode(texts.TextMode.MARKDOWN)
        .content(_HELP)
        .span(8)
        .height(7)
    )


def _when() -> Panel:
    query = (
        loki_queries.Dataquery()
        .expr(f"sum by (service_name) (count_over_time({_OF_JOB} [$__auto]))")
        .query_type("range")
        .legend_format("{{service_name}}")
        .ref_id("A")
        .datasource(LOKI)
    )
    return (
        timeseries.Panel()
        .title("Its timeline")
        .description("When which service logged something about the job.")
        .no_value(_EMPTY)
        .unit("short")
        .draw_style(looks.GraphDrawStyle.BARS)
        .fill_opacity(60)
        .span(16)
        .height(7)
        .datasource(LOKI)
        .with_target(query)
    )


def _traces() -> Panel:
    panel = (
        dashboard.Panel()
        .type("table")
        .title("Traces")
        .description("The traces in which the job appears, as workers and the publisher know them.")
        .no_value(_EMPTY)
        .span(24)
        .height(6)
        .datasource(JAEGER)
        .override_by_name(
            "Trace ID",
            [
                models.DynamicConfigValue(
                    "links",
                    [
                        {
                            "title": "Show below",
                            "url": f"/d/{UID}?var-job=${{job}}&var-trace=${{__value.raw}}"
                            "&${__url_time_range}",
                        }
                    ],
                )
            ],
        )
    )
    for position, service in enumerate(service for service in SERVICES if service in _STARTS_TRACES):
        query = JaegerQuery(
            refId=chr(ord("A") + position),
            queryType="search",
            service=service,
            # Written as logfmt, which the data source turns into what Jaeger wants.
            tags=f'{at.JOB_ID}="${{job:raw}}"',
            limit=20,
        )
        panel = panel.with_target(_Ready(query))
    return panel.with_transformation(models.DataTransformerConfig("merge", options={}))


#: Every job has spans of these.
_STARTS_TRACES = (Source.PUBLISHER, Source.WORKER)


def _waterfall() -> Panel:
    return (
        dashboard.Panel()
        .type("traces")
        .title("The trace")
        .description("The trace as a waterfall, as far as it is known: it grows while the job runs.")
        .no_value("choose a trace above")
        .span(24)
        .height(18)
        .datasource(JAEGER)
        .with_target(_Ready(JaegerQuery(query="${trace:raw}")))
    )
