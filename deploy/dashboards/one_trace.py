"""One trace, as a waterfall: reached by a link, as without an id there is nothing to ask Jaeger for."""

from grafana_foundation_sdk.builders import dashboard, text
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import text as texts

from deploy.dashboards.frame import OWN_DASHBOARD, frame
from deploy.dashboards.jaeger import JaegerQuery, Ready
from deploy.dashboards.panels import JAEGER, Panel

UID = "one-trace"

_HELP = f"""\
The trace as far as it is known; reload the page to see more of a job that runs. \
*404* means that Jaeger does not have the trace: it keeps traces for a week. \
`turnstile trace JOB` draws any job's trace from its events. \
[Back to the job](/d/one-job?var-job=${{job:percentencode}}), \
[its page in the dashboard]({OWN_DASHBOARD}/job?id=${{job:percentencode}}).
"""


def build() -> models.Dashboard:
    """Make the dashboard."""
    variables = [
        dashboard.TextBoxVariable("trace").label("Trace").description("The trace's id.").default_value(""),
        dashboard.TextBoxVariable("job")
        .label("Job")
        .description("The job it was chosen for.")
        .default_value(""),
    ]
    return frame(
        UID,
        "One trace",
        "One trace as a waterfall.",
        [("", [_help(), _waterfall()])],
        shows="now-7d",
        # One that Jaeger has forgotten would fail again and again.
        refresh=False,
        variables=variables,
        page="job?id=${job:percentencode}",
        is_listed=False,
    )


def _help() -> Panel:
    return (
        text.Panel()
        .title("About")
        .description("What this page shows.")
        .mode(texts.TextMode.MARKDOWN)
        .content(_HELP)
        .span(24)
        .height(3)
    )


def _waterfall() -> Panel:
    return (
        dashboard.Panel()
        .type("traces")
        .title("The trace")
        .description("The trace as a waterfall.")
        .no_value("follow a link to a trace")
        .span(24)
        .height(22)
        .datasource(JAEGER)
        .with_target(Ready(JaegerQuery(query="${trace:raw}")))
    )
