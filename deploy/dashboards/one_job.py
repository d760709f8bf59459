"""One job, by its id: its traces, what was logged about it and when."""

from grafana_foundation_sdk.builders import dashboard, text, timeseries
from grafana_foundation_sdk.builders import loki as loki_queries
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import text as texts

from contracts.telemetry import attributes as at
from contracts.telemetry.names import Source
from deploy.dashboards import one_trace
from deploy.dashboards.frame import OWN_DASHBOARD, frame
from deploy.dashboards.jaeger import JaegerQuery, Ready
from deploy.dashboards.panels import JAEGER, LOKI, Panel, log_lines
from deploy.dashboards.queries import label

UID = "one-job"

#: Loki's stream of everything that the services log.
OURS = '{service_namespace="turnstile"}'

# Without a job it would find every line that is about none.
_OF_JOB = f'{OURS} | {label(at.JOB_ID)} != "" | {label(at.JOB_ID)} = "${{job:raw}}"'
_EMPTY = "enter the id of a job above"

_HELP = f"""\
Enter a job's id above, or open `/d/{UID}?var-job=JOB`. **Traces** lists the traces in which it appears; \
click one to see it on a page of its own.

[Its page in the dashboard]({OWN_DASHBOARD}/job?id=${{job:percentencode}}) and `turnstile show JOB` show \
what the journal recorded, `turnstile locks LOCK` prints which jobs are ahead. Bars show when \
services logged something about the job: a gap while it runs is a handler that logs nothing.
"""


def build() -> models.Dashboard:
    """Make the dashboard."""
    job = dashboard.TextBoxVariable("job").label("Job").description("The job's id.").default_value("")
    return frame(
        UID,
        "One job",
        "Everything about one job: its traces, its time, its logs.",
        [
            ("", [_help(), _when()]),
            (
                "Traces",
                [_traces(service, title, description) for service, title, description in _STARTS_TRACES],
            ),
            (
                "Logs",
                [log_lines("Logs", "Log lines of services and handler.", _OF_JOB, empty=_EMPTY, height=14)],
            ),
        ],
        shows="now-6h",
        refresh="10s",
        variables=[job],
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


#: Every job has spans of both. A panel each, as Grafana sends Jaeger only the first query of a panel.
_STARTS_TRACES = (
    (
        Source.PUBLISHER,
        "Traces, by submission",
        "The traces in which the job was submitted, cancelled or read.",
    ),
    (Source.WORKER, "Traces, by run", "The traces in which a worker took the job or ran it."),
)


def _traces(service: Source, title: str, description: str) -> Panel:
    query = JaegerQuery(
        queryType="search",
        service=service.service_name,
        # Written as logfmt, which the data source turns into what Jaeger wants.
        tags=f'{at.JOB_ID}="${{job:raw}}"',
        limit=20,
    )
    link = {
        "title": "Show the trace",
        "url": f"/d/{one_trace.UID}?var-trace=${{__value.raw}}&var-job=${{job}}",
    }
    return (
        dashboard.Panel()
        .type("table")
        .title(title)
        .description(description)
        .no_value(_EMPTY)
        .span(12)
        .height(7)
        .datasource(JAEGER)
        .override_by_name("Trace ID", [models.DynamicConfigValue("links", [link])])
        .with_target(Ready(query))
    )
