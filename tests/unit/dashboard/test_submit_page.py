"""The page on which a job is submitted, run without a browser."""

# ruff: noqa: PLC0415

import json
from collections.abc import Iterator
from typing import Any, cast

import httpx
import pytest
from streamlit.testing.v1 import AppTest
from tests.unit.dashboard.submit_site import URL, Submitting
from tests.unit.dashboard.test_form_schema import Order

from dashboard.site import use_site

BUTTON = "submit-go"


def run_page() -> None:
    """Run as the script of a viewer."""
    from dashboard.site import current_site
    from dashboard.views import submit

    submit.show(current_site())


@pytest.fixture
def submitting() -> Iterator[Submitting]:
    made = Submitting()
    made.directory.know("order", Order.model_json_schema())
    made.directory.know("plain", {"type": "object", "properties": {}, "additionalProperties": False})
    use_site(made.site)
    yield made
    use_site(None)


def opened(**query: str) -> AppTest:
    app = AppTest.from_function(run_page, default_timeout=30)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def key(*path: str) -> str:
    return json.dumps(["submit", "order", *path])


def filled(app: AppTest) -> AppTest:
    app.text_input(key("path")).set_value("a.csv")
    app.text_input(key("to", "street")).set_value("High")
    return app.run()


def submit(app: AppTest) -> AppTest:
    app.button(BUTTON).click()
    app.run()
    assert not app.exception
    return app


def outcome(app: AppTest) -> Any:
    return app.session_state["submit.outcome"]


def test_a_filled_form_becomes_a_job(submitting: Submitting) -> None:
    app = filled(opened())
    app.selectbox("submit-lock").set_value("ledger")
    app.selectbox("submit-priority").set_value(0)
    app.text_input("submit-name").set_value("Close **the** month")
    app.text_area("submit-properties").set_value("team=accounts")
    app.number_input("submit-expires_in").set_value(3600.0)
    app.number_input("submit-timeout").set_value(60.0)
    app.run()
    assert '"priority": 0' in app.code[0].value
    submit(app)

    [job] = submitting.jobs()
    assert (job["kind"], job["lock_name"], job["priority"], job["actor"]) == ("order", "ledger", 0, "ann")
    assert (job["name"], json.loads(job["properties"])) == ("Close **the** month", {"team": "accounts"})
    assert (job["timeout"], bool(job["expires_at"]), job.get("cancel_grace")) == (60.0, True, None)
    parameters = json.loads(job["parameters"])
    assert parameters["path"] == "a.csv"
    Order.model_validate(parameters)
    assert outcome(app).accepted.job_id == job["job_id"]


def test_the_command_names_the_address_for_people(submitting: Submitting) -> None:
    cast("Any", submitting.site.settings).public_url = "https://jobs.example"
    command = opened().code[0].value
    assert command.startswith("curl -i https://jobs.example/api/v1/jobs ")
    assert URL not in command


def test_what_is_missing_is_said_and_not_sent(submitting: Submitting) -> None:
    app = submit(opened())
    assert submitting.jobs() == []
    assert outcome(app).sentence == (
        "Nothing was sent, as these fields are not right yet: parameters.path, parameters.to.street."
    )


def test_each_submission_is_a_job_of_its_own_but_a_repetition_is_not(submitting: Submitting) -> None:
    app = filled(opened())
    submitting.network.after = [httpx.ReadTimeout("slow")]
    submit(app)
    assert (outcome(app).accepted, outcome(app).may_be_done) == (None, True)
    submit(app)
    assert len(submitting.jobs()) == 1
    assert outcome(app).accepted is not None
    submit(app)
    assert len(submitting.jobs()) == 2


def test_the_publishers_errors_are_kept_until_their_fields_are_changed(submitting: Submitting) -> None:
    app = filled(opened())
    app.text_input(key("steps")).set_value("300")
    app.text_input("submit-id").set_value("no uuid")
    submit(app.run())
    found = outcome(app)
    assert {place for place, _ in found.errors} == {"job_id"}
    app.text_input("submit-id").set_value("")
    submit(app.run())
    found = outcome(app)
    assert {place for place, _ in found.errors} == {"parameters.steps"}
    assert found.errors_still_there(found.body) == found.errors
    changed = found.body | {"parameters": found.body["parameters"] | {"steps": 30}}
    assert found.errors_still_there(changed) == []
    assert submitting.jobs() == []


def test_a_publisher_that_is_away_is_said_and_what_is_entered_stays(submitting: Submitting) -> None:
    app = filled(opened())
    submitting.network.before = [httpx.ConnectError("refused")] * 2
    submit(app)
    assert (outcome(app).accepted, outcome(app).may_be_done) == (None, False)
    assert "No publisher answers" in outcome(app).sentence
    submit(app)
    assert [json.loads(job["parameters"])["path"] for job in submitting.jobs()] == ["a.csv"]


def test_without_a_publisher_from_the_start_it_can_be_tried_again(submitting: Submitting) -> None:
    submitting.network.before = [httpx.ConnectError("refused")]
    app = opened()
    assert (len(app.selectbox), app.button("submit-again").label) == (0, "Try again")
    app.button("submit-again").click().run()
    assert app.text_input(key("path")).value == ""


def test_without_kinds_it_says_so(submitting: Submitting) -> None:
    submitting.directory.known_kinds.clear()
    app = opened()
    assert not app.exception
    assert len(app.selectbox) == 0


def earlier(submitting: Submitting, **fields: Any) -> str:
    body = {"kind": "order", "lock": "ledger", "name": "n", "priority": 3, "properties": {"a": "b"}} | fields
    client = httpx.Client(transport=submitting.network, base_url="http://publisher")
    job_id: str = client.post("/api/v1/jobs", json=body).json()["job_id"]
    return job_id


def test_a_job_is_submitted_again_with_what_is_changed(submitting: Submitting) -> None:
    parameters = {"path": "x.csv", "steps": 3, "to": {"street": "Low"}, "lines": [{"street": "y"}]}
    first = earlier(submitting, parameters=parameters)
    app = opened(**{"from": first})
    assert not app.exception
    assert (app.text_input(key("path")).value, app.selectbox("submit-lock").value) == ("x.csv", "ledger")
    app.text_input(key("path")).set_value("z.csv")
    submit(app.run())
    jobs = {job["job_id"]: job for job in submitting.jobs()}
    assert len(jobs) == 2
    again = jobs[outcome(app).accepted.job_id]
    assert json.loads(again["parameters"]) == parameters | {"path": "z.csv", "dry": False}
    assert (again["name"], again["priority"], again["properties"]) == ("n", 3, '{"a":"b"}')


def test_parameters_that_the_form_cannot_show_are_shown_as_json(submitting: Submitting) -> None:
    submitting.directory.know("order", {"type": "object"})
    first = earlier(submitting, parameters={"gone": [1]})
    submitting.directory.know("order", Order.model_json_schema())
    submitting.later()
    app = opened(**{"from": first})
    assert app.toggle("submit-as-json").value is True
    assert json.loads(app.text_area("submit-json").value or "") == {"gone": [1]}


@pytest.mark.parametrize("job_id", ["nothing", "018f6c3e-7b1a-7c4e-9d3a-0123456789ab", "<script>"])
def test_an_earlier_job_that_does_not_exist_leaves_the_form_empty(
    submitting: Submitting, job_id: str
) -> None:
    app = opened(**{"from": job_id})
    assert not app.exception
    assert "no job has this id" in json.dumps(app.session_state["submit.note"])
    assert app.text_input(key("path")).value == ""


def test_a_kind_that_is_not_known_any_more_is_said(submitting: Submitting) -> None:
    submitting.directory.know("old", {"type": "object"})
    first = earlier(submitting, kind="old")
    del submitting.directory.known_kinds["old"]
    submitting.later()
    app = opened(**{"from": first})
    assert "No worker knows its kind old" in json.dumps(app.session_state["submit.note"])
    assert app.selectbox("submit-lock").value == "ledger"


def test_the_way_of_entering_can_be_changed_and_keeps_what_is_entered(submitting: Submitting) -> None:
    app = filled(opened())
    app.toggle("submit-as-json").set_value(True).run()
    entered = json.loads(app.text_area("submit-json").value or "")
    assert (entered["path"], entered["to"]) == ("a.csv", {"street": "High"})
    app.text_area("submit-json").set_value(json.dumps(entered | {"path": "b.csv"}))
    app.toggle("submit-as-json").set_value(False).run()
    assert app.text_input(key("path")).value == "b.csv"
    app.toggle("submit-as-json").set_value(True).run()
    app.text_area("submit-json").set_value('{"path": 1}')
    app.toggle("submit-as-json").set_value(False).run()
    assert app.toggle("submit-as-json").value is True
    submit(app)
    assert submitting.jobs() == []


def test_another_kind_begins_with_its_own_defaults(submitting: Submitting) -> None:
    app = filled(opened())
    app.selectbox("submit-kind").set_value("plain").run()
    submit(app)
    [job] = submitting.jobs()
    assert (job["kind"], json.loads(job["parameters"])) == ("plain", {})
    app.selectbox("submit-kind").set_value("order").run()
    assert app.text_input(key("path")).value == ""
    assert app.text_input(key("steps")).value == "10"


def test_a_job_that_is_there_already_is_shown(submitting: Submitting) -> None:
    app = filled(opened())
    app.selectbox("submit-conflict").set_value("skip")
    app.run()
    submit(app)
    first = outcome(app).accepted
    submit(app)
    assert len(submitting.jobs()) == 1
    assert outcome(app).accepted == first.model_copy(update={"existing": True})
    assert outcome(app).body["job_id"] != first.job_id
