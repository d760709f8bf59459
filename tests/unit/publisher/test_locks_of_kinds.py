"""Submissions that name no lock, of kinds that make it of the parameters."""

from typing import Any

import pytest
from tests.unit.publisher.doubles import Api

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "tenant": {"type": ["string", "number", "null"]},
        "year": {"type": "integer", "default": 2026},
    },
}


@pytest.fixture
def api(api: Api) -> Api:
    api.directory.know("import", SCHEMA)
    known = api.directory.known_kinds["import"]
    api.directory.known_kinds["import"] = known.model_copy(update={"lock_template": "tenant:{tenant}/{year}"})
    return api


async def submitted(api: Api, **more: Any) -> Any:
    return await api.client.post("/api/v1/jobs", json={"kind": "import", **more})


async def test_the_lock_is_made_of_the_parameters_and_their_defaults(api: Api) -> None:
    answer = await submitted(api, parameters={"tenant": " acme"})
    assert (answer.status_code, answer.json()["lock"]) == (202, "tenant: acme/2026")
    answer = await submitted(api, parameters={"tenant": "acme", "year": 2025})
    assert answer.json()["lock"] == "tenant:acme/2025"


@pytest.mark.parametrize("lock", ["ledger", "default"])
async def test_a_submission_that_names_a_lock_has_that(api: Api, lock: str) -> None:
    assert (await submitted(api, lock=lock)).json()["lock"] == lock


@pytest.mark.parametrize(
    ("parameters", "field", "message"),
    [
        ({}, "parameters.tenant", "is needed for the job's lock; give it, or name a lock"),
        ({"tenant": None}, "parameters.tenant", "is needed for the job's lock; give it, or name a lock"),
        ({"tenant": 1.5}, "parameters.tenant", "must be a text or a whole number"),
        ({"tenant": "a\nb"}, "lock", "the invisible character U+000A; remove it; name a lock"),
        ({"tenant": "x" * 300}, "lock", "at most 200 characters"),
    ],
)
async def test_what_makes_no_lock_is_refused_and_the_parameter_named(
    api: Api, parameters: dict[str, Any], field: str, message: str
) -> None:
    refused = await submitted(api, parameters=parameters)
    assert refused.status_code == 422
    [error] = refused.json()["errors"]
    assert (error["field"], message in error["message"]) == (field, True)


async def test_the_same_key_with_the_lock_named_is_the_same_request(api: Api) -> None:
    first = await submitted(api, parameters={"tenant": "acme"}, idempotency_key="k")
    again = await submitted(api, parameters={"tenant": "acme"}, lock="tenant:acme/2026", idempotency_key="k")
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json() == first.json() | {"existing": True}


async def test_each_job_of_a_batch_has_its_own(api: Api) -> None:
    tenants: list[dict[str, Any]] = [{"tenant": "a"}, {}, {"tenant": 7}]
    asked = [{"kind": "import", "parameters": parameters} for parameters in tenants]
    answer = (await api.client.post("/api/v1/jobs:batch", json={"jobs": asked})).json()
    assert [item["status"] for item in answer["items"]] == [202, 422, 202]
    accepted = [item["job"] for item in answer["items"] if item["status"] == 202]
    assert [job["lock"] for job in accepted] == ["tenant:a/2026", "tenant:7/2026"]
