"""The OpenAPI document: which links lead on from an answer (`publisher.http.links`), and which statuses."""

from typing import Any
from urllib.parse import quote

import pytest
from tests.unit.publisher.doubles import Api

_JOB = {"job_id": "$response.body#/job_id"}
OF_A_JOB = {
    "job": ("get_job", _JOB),
    "events": ("list_job_events", _JOB),
    "stream": ("follow_job", _JOB),
    "result": ("get_result", _JOB),
    "cancel": ("cancel_job", _JOB),
    "retry": ("retry_job", _JOB),
    "finalize": ("finalize_job", _JOB),
    "pin": ("pin_job", _JOB),
    "unpin": ("unpin_job", _JOB),
    "lock": ("get_lock", {"name": "$response.body#/lock"}),
}
_WORKER = {"name": "$response.body#/worker"}
OF_A_WORKER = {
    "worker": ("get_worker", _WORKER),
    "tell": ("tell_worker", _WORKER),
}
NEXT = "$response.body#/next"


@pytest.fixture
async def document(api: Api) -> Any:
    return await api.get("/openapi.json")


def operations(document: Any) -> dict[str, tuple[str, str, Any]]:
    """Return method, path and description of each operation by its id."""
    return {
        operation["operationId"]: (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


@pytest.mark.parametrize(
    ("operation", "status", "links"),
    [
        ("submit_job", "202", OF_A_JOB),
        ("cancel_job", "202", OF_A_JOB),
        ("retry_job", "202", OF_A_JOB),
        ("finalize_job", "202", OF_A_JOB),
        ("pin_job", "202", OF_A_JOB),
        ("unpin_job", "202", OF_A_JOB),
        ("get_job", "200", OF_A_JOB),
        ("list_jobs", "200", {"next": ("list_jobs", {"cursor": NEXT})}),
        ("list_events", "200", {"next": ("list_events", {"cursor": NEXT})}),
        (
            "list_job_events",
            "200",
            {"next": ("list_job_events", {"job_id": "$request.path.job_id", "cursor": NEXT})},
        ),
        ("list_locks", "200", {"next": ("list_locks", {"cursor": NEXT})}),
        ("list_schedules", "200", {"next": ("list_schedules", {"cursor": NEXT})}),
        (
            "list_schedule_events",
            "200",
            {"next": ("list_schedule_events", {"name": "$request.path.name", "cursor": NEXT})},
        ),
        ("get_lock", "200", {}),
        ("get_worker", "200", OF_A_WORKER),
        ("tell_worker", "202", OF_A_WORKER),
    ],
)
async def test_an_answer_says_where_to_go_on(document: Any, operation: str, status: str, links: Any) -> None:
    answer = operations(document)[operation][2]["responses"][status]
    told = answer.get("links", {})

    assert {name: (link["operationId"], link["parameters"]) for name, link in told.items()} == links
    assert all(link["description"].endswith(".") for link in told.values())


async def test_each_link_leads_from_the_answer_to_a_parameter_of_an_operation(document: Any) -> None:
    known = operations(document)
    followed = 0
    for _, _, operation in known.values():
        for answer in operation["responses"].values():
            for link in answer.get("links", {}).values():
                _, _, target = known[link["operationId"]]
                named = {parameter["name"] for parameter in target["parameters"]}
                assert link["parameters"].keys() <= named
                followed += 1
    assert followed == 132


@pytest.mark.parametrize(
    ("name", "status"),
    [("job", 200), ("events", 200), ("lock", 200), ("result", 202), ("cancel", 202)],
)
async def test_what_a_submission_links_to_is_there(api: Api, document: Any, name: str, status: int) -> None:
    answer = (await api.submit(lock="Büro/7")).json()
    _, _, operation = operations(document)["submit_job"]
    link = operation["responses"]["202"]["links"][name]
    method, path, _ = operations(document)[link["operationId"]]
    for parameter, place in link["parameters"].items():
        path = path.replace(
            f"{{{parameter}}}", quote(answer[place.removeprefix("$response.body#/")], safe="")
        )

    assert (await api.client.request(method, path)).status_code == status


@pytest.mark.parametrize(
    ("operation", "statuses"),
    [
        ("submit_job", {200, 202, 400, 409, 410, 413, 415, 422, 500, 503}),
        ("list_jobs", {200, 422, 500, 503}),
        ("list_events", {200, 422, 500, 503}),
        ("list_job_events", {200, 404, 410, 422, 500, 503}),
        ("get_job", {200, 404, 410, 422, 500, 503}),
        ("get_result", {200, 202, 404, 409, 410, 422, 500, 503}),
        ("follow_job", {200, 204, 404, 410, 422, 500, 503}),
        ("cancel_job", {202, 400, 404, 409, 410, 413, 415, 422, 500, 503}),
        ("retry_job", {200, 202, 400, 404, 409, 410, 413, 415, 422, 500, 503}),
        ("finalize_job", {200, 202, 400, 404, 409, 410, 413, 415, 422, 500, 503}),
        ("pin_job", {202, 400, 404, 409, 410, 413, 415, 422, 500, 503}),
        ("unpin_job", {202, 400, 404, 409, 410, 413, 415, 422, 500, 503}),
        ("list_locks", {200, 422, 500, 503}),
        ("get_lock", {200, 404, 422, 500, 503}),
        ("list_kinds", {200, 422, 500, 503}),
        ("list_workers", {200, 422, 500, 503}),
        ("list_quarantined_messages", {200, 422, 500, 503}),
        ("submit_jobs", {200, 400, 413, 415, 422, 500, 503}),
        ("list_schedules", {200, 422, 500, 503}),
        ("list_schedule_events", {200, 404, 422, 500, 503}),
        ("get_schedule", {200, 404, 422, 500, 503}),
        ("put_schedule", {200, 201, 400, 413, 415, 422, 500, 503}),
        ("delete_schedule", {200, 404, 422, 500, 503}),
        ("pause_schedule", {200, 400, 404, 413, 415, 422, 500, 503}),
        ("resume_schedule", {200, 400, 404, 413, 415, 422, 500, 503}),
        ("run_schedule", {202, 400, 404, 409, 413, 415, 422, 500, 503}),
    ],
)
async def test_each_status_is_announced_and_errors_are_problem_documents(
    document: Any, operation: str, statuses: set[int]
) -> None:
    _, _, described = operations(document)[operation]

    assert {int(status) for status in described["responses"]} == statuses
    for status, answer in described["responses"].items():
        assert answer["description"]
        if int(status) >= 400:
            problem = {"$ref": "#/components/schemas/Problem"}
            assert {name: one["schema"] for name, one in answer["content"].items()} == {
                "application/problem+json": problem
            }


async def test_no_operation_is_left_out_above(document: Any) -> None:
    assert len(operations(document)) == 33


async def test_the_paths_of_the_replaced_systems_are_marked_and_answer_as_their_v1_paths_do(
    api: Api, document: Any
) -> None:
    known = operations(document)
    pairs = {name: name.removesuffix("_alias") for name in known if name.endswith("_alias")}
    assert {(known[name][0], known[name][1]) for name in pairs} == {
        ("post", "/api/jobs"),
        ("get", "/api/jobs"),
        ("get", "/api/jobs/{job_id}"),
    }
    assert {path for _, path, _ in known.values() if not path.startswith("/api/v1/")} == {
        "/api/jobs",
        "/api/jobs/{job_id}",
    }
    for name, of_v1 in pairs.items():
        alias, described = known[name][2], known[of_v1][2]
        assert alias["tags"] == ["aliases"]
        assert alias["description"].startswith("Alias of `")
        for part in ("parameters", "requestBody", "responses"):
            assert alias.get(part) == described.get(part)


async def test_an_alias_does_what_its_v1_path_does(api: Api) -> None:
    accepted = await api.client.post("/api/jobs", json={"kind": "ten-steps"})
    job = f"/api/v1/jobs/{accepted.json()['job_id']}"

    assert (accepted.status_code, accepted.headers["location"]) == (202, job)
    events = await api.get(f"{job}/events")
    assert (await api.get(job.replace("/v1", ""))) == events
    assert [event["status"] for event in events["items"]] == ["Submitted"]
    assert await api.get("/api/jobs?limit=3") == await api.get("/api/v1/events?limit=3")
