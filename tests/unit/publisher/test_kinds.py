"""Kinds, and parameters that fit them or do not."""

from typing import Any

import pytest
from tests.unit.publisher.doubles import Api

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
    api.read_models.know("checksum-file", CHECKSUM)
    answer = await api.submit(kind="never-heard-of")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "kind"
    assert "checksum-file" in answer.json()["detail"]
    assert answer.json()["known_kinds"] == ["checksum-file"]


async def test_a_kind_published_a_moment_ago_is_known(api: Api) -> None:
    api.read_models.know("checksum-file", CHECKSUM)
    await api.submit(kind="checksum-file", parameters={"path": "a"})
    api.read_models.know("ten-steps", {})

    assert (await api.submit(kind="ten-steps")).status_code == 202


async def test_kinds_are_not_read_for_every_submission(api: Api) -> None:
    api.read_models.know("ten-steps", {})
    for _ in range(5):
        await api.submit()
    assert api.read_models.kind_reads == 1

    await api.clock.advance(3)
    await api.submit()
    assert api.read_models.kind_reads == 2


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
    api.read_models.know("checksum-file", CHECKSUM)
    answer = await api.submit(kind="checksum-file", parameters=parameters)

    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert len(answer.text) < 2000
    assert api.bell.rings == []


async def test_right_parameters_are_accepted(api: Api) -> None:
    api.read_models.know("checksum-file", CHECKSUM)
    parameters = {"path": "a", "chunk_bytes": 10, "blob": None, "parts": [{"size": 1}]}

    assert (await api.submit(kind="checksum-file", parameters=parameters)).status_code == 202


@pytest.mark.parametrize("schema", [{"type": 7}, {"$ref": "http://elsewhere.invalid/schema"}])
async def test_an_unusable_schema_leaves_the_check_to_the_worker(api: Api, schema: dict[str, Any]) -> None:
    api.read_models.know("odd", schema)

    assert (await api.submit(kind="odd", parameters={"x": 1})).status_code == 202


async def test_a_number_too_large_to_check_is_refused(api: Api) -> None:
    api.read_models.know("odd", {"properties": {"x": {"multipleOf": 0.5}}})
    answer = await api.submit(kind="odd", parameters={"x": 10**400})

    assert answer.status_code == 422


async def test_known_kinds_are_listed_with_their_schemas(api: Api) -> None:
    api.read_models.know("ten-steps", {"type": "object"})
    api.read_models.know("checksum-file", CHECKSUM)
    answer = (await api.client.get("/api/kinds")).json()

    assert [kind["kind"] for kind in answer["items"]] == ["checksum-file", "ten-steps"]
    assert answer["items"][0]["parameters"] == CHECKSUM
