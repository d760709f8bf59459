"""Where the documentation is, the OpenAPI document, and requests that no client should send."""

import json
import random
from datetime import UTC, datetime

import jsonschema
import pytest
from tests.unit.publisher.doubles import Api

from contracts.jobs import HeldLease, Instance, Worker


async def test_the_documentation_is_where_people_look(api: Api) -> None:
    root = await api.client.get("/")
    assert (root.is_redirect, root.headers["location"]) == (True, "/docs")
    assert (await api.client.get("/docs")).status_code == 200
    assert (await api.get("/openapi.json"))["info"]["title"] == "Turnstile"


async def test_a_slash_at_the_end_is_another_path(api: Api) -> None:
    for path in ("/api/", "/api/v1/jobs/", "/api/v1/kinds/"):
        assert (await api.client.get(path)).status_code == 404


async def test_workers_are_listed_as_they_told_of_themselves(api: Api) -> None:
    seen_at = datetime(2026, 1, 1, tzinfo=UTC)
    busy = Worker(
        worker="w-1",
        seen_at=seen_at,
        kinds=["ten-steps"],
        running=["j"],
        properties={"places": 4},
        leases=[HeldLease(lock="ledger", fence=7, renewed_at=seen_at, seconds=30)],
    )
    for worker in (busy, Worker(worker="w-2", seen_at=seen_at, stopped_at=seen_at)):
        await api.directory.record_heartbeat(worker)

    assert await api.get("/api/v1/workers") == {
        "items": [
            {
                "worker": "w-1",
                "seen_at": "2026-01-01T00:00:00Z",
                "started_at": None,
                "stopped_at": None,
                "kinds": ["ten-steps"],
                "running": ["j"],
                "properties": {"places": 4},
                "leases": [
                    {"lock": "ledger", "fence": 7, "renewed_at": "2026-01-01T00:00:00Z", "seconds": 30.0}
                ],
                "takes_jobs": True,
                "drain": None,
            },
            {
                "worker": "w-2",
                "seen_at": "2026-01-01T00:00:00Z",
                "started_at": None,
                "stopped_at": "2026-01-01T00:00:00Z",
                "kinds": [],
                "running": [],
                "properties": {},
                "leases": [],
                "takes_jobs": True,
                "drain": None,
            },
        ],
        "next": None,
    }


async def test_instances_of_other_services_are_listed_as_they_told_of_themselves(api: Api) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    scheduler = Instance(
        service="scheduler",
        instance="host-1",
        seen_at=moment,
        started_at=moment,
        version="1.0",
        details={"leads": True, "swept_at": None, "repairs": 0},
    )
    await api.directory.record_instance(scheduler)

    listed = await api.get("/api/v1/instances")
    assert listed == {"items": [scheduler.model_dump(mode="json")], "next": None}


async def test_the_document_names_problems_and_examples_for_every_handler(api: Api) -> None:
    document = (await api.client.get("/openapi.json")).json()
    submit = document["paths"]["/api/v1/jobs"]["post"]
    body = submit["requestBody"]["content"]["application/json"]
    schema = document | body["schema"]

    for example in body["examples"].values():
        jsonschema.validate(example["value"], schema)
    assert {"400", "409", "413", "415", "422", "503"} <= set(submit["responses"])
    assert set(document["paths"]) == {
        "/api/v1/jobs",
        "/api/v1/jobs:batch",
        "/api/v1/jobs/{job_id}",
        "/api/v1/jobs/{job_id}/events",
        "/api/v1/jobs/{job_id}/stream",
        "/api/v1/jobs/{job_id}/result",
        "/api/v1/jobs/{job_id}/cancel",
        "/api/v1/jobs/{job_id}/retry",
        "/api/v1/jobs/{job_id}/finalize",
        "/api/v1/jobs/{job_id}/pin",
        "/api/v1/jobs/{job_id}/unpin",
        "/api/v1/events",
        "/api/v1/schedules",
        "/api/v1/schedules/{name}",
        "/api/v1/schedules/{name}:pause",
        "/api/v1/schedules/{name}:resume",
        "/api/v1/schedules/{name}:run",
        "/api/v1/schedules/{name}/events",
        "/api/v1/locks",
        "/api/v1/locks/{name}",
        "/api/v1/kinds",
        "/api/v1/quarantine",
        "/api/v1/workers",
        "/api/v1/workers/{name}",
        "/api/v1/instances",
        # Aliases.
        "/api/jobs",
        "/api/jobs/{job_id}",
    }
    for path in document["paths"].values():
        for operation in path.values():
            assert operation["summary"]
            assert operation["tags"]
            wrong = operation["responses"]["422"]["content"]["application/problem+json"]
            assert wrong["schema"] == {"$ref": "#/components/schemas/Problem"}


def hostile(chooser: random.Random, depth: int = 0) -> object:
    """Make a document that no client should send."""
    texts = [
        "",
        "default",
        "ten-steps",
        "\x00",
        "\u202e",
        "💥" * 300,
        "x" * 5000,
        "__proto__",
        "../..",
        "%00",
        "\ud800",
    ]
    scalars = [None, True, 0, -1, 10**30, 1e308, float("nan"), float("-inf"), *texts]
    if depth > 3 or chooser.random() < 0.4:
        return chooser.choice(scalars)
    if chooser.random() < 0.3:
        return [hostile(chooser, depth + 1) for _ in range(chooser.randrange(4))]
    names = [
        "kind",
        "lock",
        "parameters",
        "name",
        "priority",
        "job_id",
        "properties",
        "description",
        "x",
        "\ud800",
    ]
    return {chooser.choice(names): hostile(chooser, depth + 1) for _ in range(chooser.randrange(6))}


@pytest.mark.parametrize("seed", range(4))
async def test_hostile_requests_get_clear_answers(api: Api, seed: int) -> None:
    chooser = random.Random(seed)
    statuses = set()
    for _ in range(150):
        document = hostile(chooser)
        if isinstance(document, dict) and chooser.random() < 0.7:
            document["kind"] = "ten-steps"
        body = json.dumps(document).encode()
        if chooser.random() < 0.2:
            at = chooser.randrange(len(body))
            body = body[:at] + bytes([chooser.randrange(256)]) + body[at + 1 :]
        answer = await api.client.post(
            "/api/v1/jobs", content=body, headers={"content-type": "application/json"}
        )

        statuses.add(answer.status_code)
        assert answer.status_code in {202, 400, 409, 422}, body
        assert len(answer.content) < 5000
        if answer.status_code == 202:
            state = await api.client.get(answer.headers["location"])
            assert state.status_code == 200
    # Not everything was refused, and not everything for one reason.
    assert {202, 400, 422} <= statuses
