"""Kinds, and parameters that fit them or do not."""

from typing import Any

import pytest
from tests.unit.publisher.doubles import Api

from contracts.jobs import Kind
from coordination.ports import UnknownOutcomeError

JOB_ID = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"

CHECKSUM = {
    "type": "object",
    "properties": {
        "path": {"type": "string", "minLength": 1},
        "chunk_bytes": {"type": "integer", "minimum": 1},
        "blob": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
    },
    "$defs": {"Part": {"type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"]}},
    "required": ["path"],
    "additionalProperties": False,
}


async def test_any_kind_is_accepted_before_a_worker_has_published_one(api: Api) -> None:
    assert (await api.submit(kind="never-heard-of")).status_code == 202


async def test_an_unknown_kind_is_refused_naming_the_known_ones(api: Api) -> None:
    api.directory.know("checksum-file", CHECKSUM)
    answer = await api.submit(kind="never-heard-of")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "kind"
    assert "checksum-file" in answer.json()["detail"]
    assert answer.json()["known_kinds"] == ["checksum-file"]


async def test_a_kind_published_a_moment_ago_is_known(api: Api) -> None:
    api.directory.know("checksum-file", CHECKSUM)
    await api.submit(kind="checksum-file", parameters={"path": "a"})
    api.directory.know("ten-steps", {})

    assert (await api.submit(kind="ten-steps")).status_code == 202


async def test_kinds_are_not_read_for_every_submission(api: Api) -> None:
    api.directory.know("ten-steps", {})
    for _ in range(5):
        await api.submit()
    assert api.directory.kind_reads == 1

    # What was read two seconds ago is good enough, and what was read before that is not.
    await api.clock.advance(2)
    await api.submit()
    assert api.directory.kind_reads == 1
    await api.clock.advance(0.1)
    await api.submit()
    assert api.directory.kind_reads == 2
    await api.submit()
    assert api.directory.kind_reads == 2


async def test_the_age_of_the_kinds_counts_from_when_they_were_asked_for(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.directory.know("ten-steps", {})
    read = api.directory.kinds

    async def slowly() -> list[Kind]:
        await api.clock.advance(1.5)
        return await read()

    monkeypatch.setattr(api.directory, "kinds", slowly)
    await api.submit()
    await api.clock.advance(0.5)
    await api.submit()
    assert api.directory.kind_reads == 1
    await api.clock.advance(0.1)
    await api.submit()
    assert api.directory.kind_reads == 2


async def test_an_unknown_kind_is_looked_for_once_each_time(api: Api) -> None:
    api.directory.know("checksum-file", CHECKSUM)
    await api.submit(kind="checksum-file", parameters={"path": "a"})
    before = api.directory.kind_reads
    assert (await api.submit(kind="never-heard-of")).status_code == 422
    assert (await api.submit(kind="never-heard-of")).status_code == 422
    assert api.directory.kind_reads == before + 2


async def test_a_kind_that_is_withdrawn_is_refused_once_that_is_known(api: Api) -> None:
    api.directory.know("ten-steps", {})
    api.directory.know("checksum-file", CHECKSUM)
    assert (await api.submit()).status_code == 202
    del api.directory.known_kinds["ten-steps"]
    assert (await api.submit()).status_code == 202
    await api.clock.advance(2.1)

    assert (await api.submit()).status_code == 422


async def test_new_parameters_of_a_kind_count_once_they_are_known(api: Api) -> None:
    api.directory.know("ten-steps", {})
    assert (await api.submit()).status_code == 202
    api.directory.known_kinds["ten-steps"].parameters["required"] = ["path"]
    api.directory.know("ten-steps", {"required": ["path"]})
    await api.clock.advance(2.1)

    assert (await api.submit()).status_code == 422


async def test_without_the_kinds_no_job_is_accepted_and_nothing_is_registered(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent() -> list[Kind]:
        raise UnknownOutcomeError

    monkeypatch.setattr(api.directory, "kinds", silent)
    answer = await api.submit(job_id=JOB_ID)

    assert (answer.status_code, answer.json()["job_id"]) == (503, JOB_ID)
    assert (await api.client.get("/api/v1/kinds")).status_code == 503
    monkeypatch.undo()
    assert (await api.client.get(f"/api/v1/jobs/{JOB_ID}/events")).status_code == 404


async def test_many_kinds_are_named_as_far_as_an_answer_may_be_long(api: Api) -> None:
    names = [f"kind-{number:03d}" for number in range(100)]
    for name in reversed(names):
        api.directory.know(name, {})
    told = (await api.submit(kind="x")).json()

    assert told["known_kinds"] == names
    (error,) = told["errors"]
    assert error["message"].startswith("no worker knows the kind 'x'; known kinds: kind-000, kind-001, ")
    assert len(error["message"]) == 300


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({}, "parameters.path"),
        ({"path": 7}, "parameters.path"),
        ({"path": ""}, "parameters.path"),
        ({"path": "a", "chunk_bytes": 0}, "parameters.chunk_bytes"),
        ({"path": "a", "chunk_bytes": 1.5}, "parameters.chunk_bytes"),
        ({"path": "a", "blob": 1}, "parameters.blob"),
        ({"path": "a", "typo": 1}, "parameters.typo"),
        ({"path": "a", "parts": [{"size": 1}, {}]}, "parameters.parts[1].size"),
        ({"path": "a", "parts": [{"size": "x" * 10_000}]}, "parameters.parts[0].size"),
    ],
)
async def test_a_wrong_parameter_is_named(api: Api, parameters: dict[str, Any], field: str) -> None:
    api.directory.know("checksum-file", CHECKSUM)
    answer = await api.submit(kind="checksum-file", parameters=parameters)

    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert len(answer.text) < 2000
    assert api.notifier.wake_ups == []


async def test_right_parameters_are_accepted(api: Api) -> None:
    api.directory.know("checksum-file", CHECKSUM)
    parameters = {"path": "a", "chunk_bytes": 10, "blob": None, "parts": [{"size": 1}]}

    assert (await api.submit(kind="checksum-file", parameters=parameters)).status_code == 202


async def test_known_kinds_are_listed_with_their_schemas(api: Api) -> None:
    api.directory.know("ten-steps", {"type": "object"})
    api.directory.know("checksum-file", CHECKSUM)
    answer = (await api.client.get("/api/v1/kinds")).json()

    assert [kind["kind"] for kind in answer["items"]] == ["checksum-file", "ten-steps"]
    assert answer["items"][0]["parameters"] == CHECKSUM
