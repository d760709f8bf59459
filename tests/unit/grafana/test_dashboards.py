"""The committed dashboards are what the schema makes them, and ask only for what exists."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from deploy.dashboards import foreign
from deploy.dashboards.__main__ import FOLDER, generated
from deploy.dashboards.queries import label
from deploy.stack.settings import StackSettings
from tests.unit.grafana.promql import mentioned

from contracts.telemetry import metrics
from contracts.telemetry.names import Instrument, Metric

FILES = generated()
DASHBOARDS = {path: json.loads(text) for path, text in FILES.items() if path.endswith(".json")}
UIDS = {"right-now", "jobs", "one-job", "guarantee", "plumbing"}
#: Reached by links alone.
UNLISTED = {"one-trace"}
SOURCES = {"prometheus", "loki", "jaeger"}


def known() -> dict[str, set[str]]:
    """Return every name that Prometheus can know, with its labels."""
    found: dict[str, set[str]] = {}
    for metric in vars(metrics).values():
        if isinstance(metric, Metric):
            parts = ("_bucket", "_sum", "_count") if metric.instrument is Instrument.HISTOGRAM else ("",)
            for part in parts:
                found[metric.prometheus_name + part] = {label(name) for name in metric.attributes}
    for other in vars(foreign).values():
        if isinstance(other, foreign.Foreign):
            found[other] = set(other.labels)
    return found


def panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (panel for panel in dashboard["panels"] if panel["type"] != "row")


def targets(uid: str) -> list[tuple[str, dict[str, Any]]]:
    """Return every query of a data source, with its panel's title; there must be some."""
    found = [
        (f"{dashboard['title']}: {panel['title']}", target)
        for dashboard in DASHBOARDS.values()
        for panel in panels(dashboard)
        for target in panel.get("targets", ())
        if target["datasource"]["uid"] == uid
    ]
    assert found, f"no panel asks {uid}"
    return found


@pytest.mark.parametrize("path", FILES)
def test_what_is_committed_is_what_is_made(path: str) -> None:
    assert (FOLDER / path).read_text() == FILES[path], "make dashboards"


def test_nothing_else_lies_beside_them() -> None:
    assert {f"dashboards/{path.name}" for path in (FOLDER / "dashboards").iterdir()} == set(DASHBOARDS)


def test_there_are_five_dashboards_that_lead_to_each_other_and_one_for_links() -> None:
    assert {dashboard["uid"] for dashboard in DASHBOARDS.values()} == UIDS | UNLISTED
    for dashboard in DASHBOARDS.values():
        others = dashboard["links"][0]
        assert others["type"] == "dashboards"
        assert (set(others["tags"]) <= set(dashboard["tags"])) == (dashboard["uid"] in UIDS)


@pytest.mark.parametrize("path", DASHBOARDS)
def test_every_panel_says_what_it_shows_and_what_an_empty_one_means(path: str) -> None:
    titles, numbers = set(), set()
    for panel in panels(DASHBOARDS[path]):
        titles.add(panel["title"])
        numbers.add(panel["id"])
        assert panel["description"].endswith("."), panel["title"]
        if panel["type"] != "text":
            assert panel["fieldConfig"]["defaults"]["noValue"], panel["title"]
            assert panel["datasource"]["uid"] in SOURCES
    assert len(titles) == len(numbers) == len(list(panels(DASHBOARDS[path])))


@pytest.mark.parametrize("path", DASHBOARDS)
def test_panels_lie_beside_each_other_and_not_upon(path: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARDS[path]["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_metric_asked_for_exists() -> None:
    names = known()
    for where, target in targets("prometheus"):
        assert mentioned(target["expr"]).metrics <= set(names), where


def test_every_label_asked_for_is_one_of_its_metric() -> None:
    names = known()
    for where, target in targets("prometheus"):
        asked = mentioned(target["expr"])
        for metric, name in asked.selected:
            assert name in names[metric] | set(foreign.COMMON_LABELS), f"{where}: {name} of {metric}"
        for metric in asked.metrics:
            assert asked.grouped <= names[metric] | set(foreign.COMMON_LABELS), f"{where}: {metric}"


def test_a_name_that_is_not_in_the_schema_would_be_noticed() -> None:
    asked = mentioned(
        'histogram_quantile(0.9, sum by (le, job_kind) ((a_b{x="y{z"} unless a_b{x="y{z"} offset 5m)'
        " or increase(c[$__rate_interval]))) / on () max (d) or vector(0) > 1"
    )
    assert asked.metrics == {"a_b", "c", "d"}
    assert asked.grouped == {"le", "job_kind"}
    assert asked.selected == {("a_b", "x")}


def test_legends_name_labels_that_the_query_keeps() -> None:
    for where, target in targets("prometheus"):
        legend = target.get("legendFormat", "")
        kept = mentioned(target["expr"]).grouped
        for part in legend.split("{{")[1:]:
            assert part.partition("}}")[0] in kept, where


def test_every_metric_of_the_schema_is_on_some_dashboard() -> None:
    shown = {name for _, target in targets("prometheus") for name in mentioned(target["expr"]).metrics}
    missing = {
        str(metric)
        for metric in vars(metrics).values()
        if isinstance(metric, Metric)
        and not {metric.prometheus_name + part for part in ("", "_bucket", "_count")} & shown
    }
    assert not missing


def test_durations_lead_to_traces() -> None:
    exemplary = {
        name
        for _, target in targets("prometheus")
        if target.get("exemplar")
        for name in mentioned(target["expr"]).metrics
    }
    for metric in (metrics.JOB_RUN_DURATION, metrics.JOB_LINE_DURATION, metrics.TAKE_OVER_DURATION):
        assert metric.prometheus_name + "_bucket" in exemplary


def test_queries_for_logs_ask_for_our_services_and_names_of_the_schema() -> None:
    found = list(targets("loki"))
    assert len(found) == 3
    for where, target in found:
        assert '{service_namespace="turnstile"}' in target["expr"], where
        assert "job_id" in target["expr"], where
        assert target["expr"].count("(") == target["expr"].count(")"), where


def test_grafana_sends_jaeger_one_query_of_each_panel() -> None:
    for dashboard in DASHBOARDS.values():
        for panel in panels(dashboard):
            if panel.get("datasource", {}).get("uid") == "jaeger":
                assert len(panel["targets"]) == 1, panel["title"]


def test_a_trace_is_asked_for_on_a_page_of_its_own_that_is_not_asked_again() -> None:
    by_uid = {dashboard["uid"]: dashboard for dashboard in DASHBOARDS.values()}
    links = [
        one["value"][0]["url"]
        for panel in panels(by_uid["one-job"])
        for override in panel["fieldConfig"]["overrides"]
        if override["matcher"]["options"] == "Trace ID"
        for one in override["properties"]
    ]
    assert links == ["/d/one-trace?var-trace=${__value.raw}&var-job=${job}"] * 2
    asked = [target for panel in panels(by_uid["one-job"]) for target in panel.get("targets", ())]
    assert [target for target in asked if target.get("query")] == []
    assert by_uid["one-trace"]["refresh"] is False or not by_uid["one-trace"]["refresh"]


def test_one_job_finds_traces_by_the_jobs_id() -> None:
    queries = [target for _, target in targets("jaeger")]
    searches = [query for query in queries if query.get("queryType") == "search"]
    assert {query["service"] for query in searches} == {"turnstile-publisher", "turnstile-worker"}
    assert {query["tags"] for query in searches} == {'job.id="${job:raw}"'}
    assert [query["query"] for query in queries if "query" in query] == ["${trace:raw}"]
    (one_job,) = (dashboard for dashboard in DASHBOARDS.values() if dashboard["uid"] == "one-job")
    assert [variable["name"] for variable in one_job["templating"]["list"]] == ["job", "dashboard"]


def test_every_dashboard_leads_to_turnstiles_own() -> None:
    for dashboard in DASHBOARDS.values():
        assert dashboard["links"][1]["url"].startswith("${dashboard}/")
        own = dashboard["templating"]["list"][-1]
        assert (own["name"], own["type"], own["query"]) == ("dashboard", "constant", _default_dashboard())


def test_a_job_and_a_lock_lead_to_their_own_pages() -> None:
    by_uid = {dashboard["uid"]: dashboard for dashboard in DASHBOARDS.values()}
    assert by_uid["one-job"]["links"][1]["url"] == "${dashboard}/job?id=${job:percentencode}"
    overrides = [
        override
        for panel in panels(by_uid["right-now"])
        for override in panel["fieldConfig"]["overrides"]
        if override["matcher"]["options"] == "Lock"
    ]
    links = [one["value"][0]["url"] for override in overrides for one in override["properties"]]
    assert links == ["${dashboard}/lock?lock=${__value.text:percentencode}"] * 2


def _default_dashboard() -> str:
    return StackSettings.load(FOLDER / "none", {}).dashboard_url
