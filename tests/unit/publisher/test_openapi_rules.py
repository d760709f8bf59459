"""The OpenAPI document as generators of clients read it: ids, required fields, nulls, names and examples."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from tests.unit.publisher.doubles import Api

from publisher.http.schemas import each_schema

_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_NULL = {"type": "null"}

#: How each sort of id is written, by the names of the fields and parameters that have one.
_IDS = {
    "job_id": ("string", "uuid", None),
    "retry_of": ("string", "uuid", None),
    "retried_by": ("string", "uuid", None),
    "running": ("string", "uuid", None),
    "ahead": ("string", "uuid", None),
    "line": ("string", "uuid", None),
    "lock": ("string", "lock-name", None),
    "trace_id": ("string", None, "^[0-9a-f]{32}$"),
    "event_id": ("string", None, "^[0-9a-f-]{36}-[0-9]{6,}$"),
    "fence": ("integer", "int64", None),
}

_OPERATIONS = {
    "submit_job",
    "submit_jobs",
    "list_jobs",
    "get_job",
    "get_result",
    "cancel_job",
    "retry_job",
    "finalize_job",
    "pin_job",
    "unpin_job",
    "follow_job",
    "list_job_events",
    "list_events",
    "list_locks",
    "get_lock",
    "set_limit",
    "list_kinds",
    "list_workers",
    "get_worker",
    "tell_worker",
    "list_instances",
    "list_quarantined_messages",
    "list_schedules",
    "get_schedule",
    "put_schedule",
    "delete_schedule",
    "pause_schedule",
    "resume_schedule",
    "run_schedule",
    "list_schedule_events",
    "submit_job_alias",
    "list_events_alias",
    "list_job_events_alias",
}

#: Operations whose success has two statuses.
_TWO_ANSWERS = {"finalize_job", "get_result", "retry_job", "submit_job", "submit_job_alias"}

#: What callers send; of all other schemas the publisher is the writer.
_SENT = {
    "Submission",
    "Batch",
    "Cancellation",
    "Finalization",
    "LimitChange",
    "Pinning",
    "Retry",
    "ScheduledJob",
    "ScheduleReason",
    "ScheduleRequest",
    "ScheduleRun",
    "WorkerOrder",
}


@pytest.fixture
async def document(api: Api) -> Any:
    return await api.get("/openapi.json")


def operations(document: Any) -> Iterator[tuple[str, Any]]:
    for methods in document["paths"].values():
        for operation in methods.values():
            yield operation["operationId"], operation


def named_schemas(document: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield the place, the name and the schema of each parameter and of each field."""
    for operation, described in operations(document):
        for parameter in described.get("parameters", []):
            yield operation, parameter["name"], parameter["schema"]
    for component, schema in document["components"]["schemas"].items():
        for within in each_schema(schema):
            for name, field in within.get("properties", {}).items():
                yield component, name, field


def not_null(schema: Any) -> Any:
    """Return what a schema is when it is not null, or what the items of an array are."""
    kept = [one for one in schema.get("anyOf", [schema]) if one != _NULL]
    assert len(kept) == 1
    return kept[0].get("items", kept[0])


def is_nullable(schema: Any) -> bool:
    return _NULL in schema.get("anyOf", [])


async def test_an_id_has_one_format_wherever_it_stands(document: Any) -> None:
    found = [
        (name, place, (schema["type"], schema.get("format"), schema.get("pattern")))
        for place, name, within in named_schemas(document)
        if name in _IDS
        for schema in [not_null(within)]
    ]
    assert {name for name, _, _ in found} == set(_IDS)
    assert [one for one in found if one[2] != _IDS[one[0]]] == []
    locks = [
        schema for place, name, schema in named_schemas(document) if (place, name) == ("get_lock", "name")
    ]
    assert [schema["format"] for schema in locks] == ["lock-name"]


async def test_nothing_that_looks_like_an_id_has_no_format(document: Any) -> None:
    """A field whose description speaks of the id of a job is among those above."""
    speaking = {
        name
        for _, name, schema in named_schemas(document)
        if re.match(r"Ids? of (the|a) .*job|The job's id", schema.get("description", ""))
    }
    assert speaking <= set(_IDS)
    assert {"job_id", "running", "ahead", "line"} <= speaking


async def test_fields_that_are_always_in_an_answer_are_required(document: Any) -> None:
    schemas = document["components"]["schemas"]
    optional = {
        name: sorted(set(schema.get("properties", {})) - set(schema.get("required", [])))
        for name, schema in schemas.items()
        if name not in _SENT
    }
    assert {name: fields for name, fields in optional.items() if fields} == {
        "Problem": [
            "error",
            "errors",
            "job_id",
            "job_status",
            "known_kinds",
            "location",
            "same_request",
            "state",
            "trace_id",
        ],
        "StreamMessage": ["id"],
    }


async def test_of_what_a_caller_sends_only_what_has_no_default_is_required(document: Any) -> None:
    schemas = document["components"]["schemas"]
    required = {name: schemas[name].get("required", []) for name in _SENT}
    assert required == {
        "Submission": ["kind"],
        "Batch": ["jobs"],
        "Cancellation": [],
        "Finalization": [],
        "Pinning": [],
        "WorkerOrder": ["takes_jobs"],
        "LimitChange": ["limit"],
        "Retry": [],
        "ScheduledJob": ["kind"],
        "ScheduleReason": [],
        "ScheduleRequest": ["job"],
        "ScheduleRun": [],
    }
    in_path = {
        name
        for _, operation in operations(document)
        for parameter in operation.get("parameters", [])
        if parameter["required"]
        for name in [parameter["in"]]
    }
    assert in_path == {"path"}


async def test_no_body_names_a_default(document: Any) -> None:
    """Some generators demand such a field of the caller, others send it as if the caller had chosen it."""
    named = [
        (name, schema)
        for name, component in document["components"]["schemas"].items()
        for schema in each_schema(component)
        if "default" in schema
    ]
    assert named == []


async def test_what_may_be_null_says_when_it_is(document: Any) -> None:
    silent = [
        (place, name)
        for place, name, schema in named_schemas(document)
        if is_nullable(schema) and place not in _SENT and "null" not in schema["description"].lower()
    ]
    assert silent == []


async def test_what_is_left_out_instead_is_never_null(document: Any) -> None:
    operation_names = {name for name, _ in operations(document)}
    nullable = [
        (place, name)
        for place, name, schema in named_schemas(document)
        if is_nullable(schema) and (place in operation_names or place == "Problem")
    ]
    assert nullable == []


async def test_every_number_says_how_large_it_may_be(document: Any) -> None:
    """Without a format, Go's generator takes a number of 32 bits."""
    numbers = [
        schema
        for component in document["components"]["schemas"].values()
        for schema in each_schema(component)
        if schema.get("type") == "number"
    ]
    assert len(numbers) >= 3
    assert {schema["format"] for schema in numbers} == {"double"}


async def test_operations_keep_their_names(document: Any) -> None:
    """Clients that were generated call their methods after them."""
    names = [name for name, _ in operations(document)]
    assert len(names) == len(set(names))
    assert set(names) == _OPERATIONS
    for name in names:
        assert re.fullmatch(
            r"(submit|list|get|set|cancel|follow|retry|finalize|pin|unpin|tell|put|delete|pause|resume|run)"
            r"(_[a-z]+)+",
            name,
        )


async def test_schemas_have_names_that_are_words(document: Any) -> None:
    for name, component in document["components"]["schemas"].items():
        assert re.fullmatch(r"([A-Z][a-z]+)+", name)
        assert not any("title" in schema for schema in each_schema(component))


async def test_each_operation_has_a_title_a_description_and_a_subject(document: Any) -> None:
    subjects = {tag["name"] for tag in document["tags"]}
    summaries = [operation["summary"] for _, operation in operations(document)]
    assert len(summaries) == len(set(summaries))
    for _, operation in operations(document):
        assert re.fullmatch(r"[A-Z][^.]+", operation["summary"])
        assert operation["description"].endswith(".")
        assert set(operation["tags"]) <= subjects
        assert len(operation["tags"]) == 1


async def test_each_operation_describes_its_errors_with_examples(document: Any) -> None:
    tried = 0
    for name, operation in operations(document):
        errors = {int(code): answer for code, answer in operation["responses"].items() if int(code) >= 400}
        assert errors.keys() >= {422, 500, 503}, name
        has_path = any(parameter["in"] == "path" for parameter in operation.get("parameters", []))
        # What is put need not be there.
        assert (404 in errors) == (has_path and name != "put_schedule"), name
        assert (errors.keys() >= {400, 413, 415}) == ("requestBody" in operation), name
        for status, answer in errors.items():
            content = answer["content"]["application/problem+json"]
            assert content["schema"] == _PROBLEM
            assert content["examples"]
            for example in content["examples"].values():
                assert example["value"]["status"] == status
                check(document, _PROBLEM, example["value"])
                tried += 1
        assert "Retry-After" in errors[503]["headers"]
    assert tried > 60


async def test_each_answer_has_an_example_that_fits_its_schema(document: Any) -> None:
    tried = set()
    for name, operation in operations(document):
        answers = [operation["responses"][code] for code in ("200", "202") if code in operation["responses"]]
        assert len(answers) == (2 if name in _TWO_ANSWERS else 1)
        for media_type, content in (each for answer in answers for each in answer["content"].items()):
            if media_type == "application/json":
                check(document, content["schema"], content["example"])
                tried.add(name)
    assert tried == _OPERATIONS - {"follow_job"}


async def test_who_is_to_ask_again_is_told_when(document: Any) -> None:
    (result,) = (operation for name, operation in operations(document) if name == "get_result")
    assert "Retry-After" in result["responses"]["202"]["headers"]


async def test_each_body_has_an_example_that_fits_its_schema(document: Any) -> None:
    tried = []
    for name, operation in operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            examples = [each["value"] for each in content.get("examples", {}).values()]
            for example in examples or [content["example"]]:
                check(document, content["schema"], example)
                tried.append(name)
    assert set(tried) == {
        "submit_job",
        "submit_jobs",
        "submit_job_alias",
        "cancel_job",
        "retry_job",
        "finalize_job",
        "pin_job",
        "unpin_job",
        "tell_worker",
        "set_limit",
        "put_schedule",
        "pause_schedule",
        "resume_schedule",
        "run_schedule",
    }


def check(document: Any, schema: Any, value: Any) -> None:
    """Fail unless a value fits a schema of the document, with no field that it does not name."""
    strict = {
        name: component
        if name in _SENT or "properties" not in component
        else component | {"additionalProperties": False}
        for name, component in document["components"]["schemas"].items()
    }
    jsonschema.validate(
        value,
        schema | {"components": {"schemas": strict}},
        cls=jsonschema.Draft202012Validator,
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )
