"""The bodies of messages: one version, no unknown fields, and what is meant by a field that is left out."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.messages import MOST_ANNOUNCED, EventGroup, Hint, JobEvents, Message, RunJob, SubmitJob

JOB_ID = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"
EVENT = {
    "job_id": JOB_ID,
    "seq": 1,
    "event_id": f"{JOB_ID}-000001",
    "status": "Submitted",
    "message": "submitted by api",
    "timestamp_utc": "2026-01-01T00:00:00Z",
    "attempt": 0,
    "fence": None,
    "worker": None,
    "lock": "ledger",
    "actor": "api",
    "trace_id": None,
    "data": {},
}

ITEM = {"lock": "ledger", "job_id": JOB_ID, "first": 3, "last": 5}

#: A whole message of each sort.
MESSAGES: list[tuple[type[Message], dict[str, Any]]] = [
    (RunJob, {"lock": "ledger", "job_id": JOB_ID, "is_deferred_copy": True, "released": True}),
    (SubmitJob, {"job": {"kind": "ten-steps", "job_id": JOB_ID}, "actor": "billing"}),
    (JobEvents, {"lock": "ledger", "job_id": JOB_ID, "first": 3, "last": 5}),
    (EventGroup, {"items": [ITEM, {**ITEM, "traceparent": "00-a", "events": [{"fence": 1}], "job": {}}]}),
    (Hint, {"what": "cancel_requested", "lock": "ledger", "job_id": JOB_ID}),
]
SORTS = pytest.mark.parametrize(("sort", "body"), MESSAGES, ids=[sort.__name__ for sort, _ in MESSAGES])


def read(sort: type[Message], body: dict[str, Any]) -> Message:
    """Parse a message as every service does."""
    return sort.model_validate_json(json.dumps(body), strict=True)


def refused(sort: type[Message], body: dict[str, Any]) -> list[tuple[int | str, ...]]:
    """Return the places of what is wrong with a message."""
    with pytest.raises(ValidationError) as error:
        read(sort, body)
    return [one["loc"] for one in error.value.errors()]


@SORTS
def test_a_message_says_its_version_and_is_read_back_as_it_was_written(
    sort: type[Message], body: dict[str, Any]
) -> None:
    written = json.loads(read(sort, body).model_dump_json())
    assert written["version"] == 1
    assert read(sort, written) == read(sort, body)
    for name, value in body.items():
        if name not in {"job", "items"}:
            assert written[name] == value


@SORTS
@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_version_is_refused(sort: type[Message], body: dict[str, Any], version: object) -> None:
    assert refused(sort, {**body, "version": version}) == [("version",)]


@SORTS
def test_a_field_that_is_not_known_is_refused(sort: type[Message], body: dict[str, Any]) -> None:
    assert refused(sort, {**body, "wish": 1}) == [("wish",)]


@pytest.mark.parametrize(
    ("sort", "name"),
    [
        (RunJob, "lock"),
        (SubmitJob, "job"),
        (JobEvents, "lock"),
        (JobEvents, "job_id"),
        (JobEvents, "first"),
        (JobEvents, "last"),
        (Hint, "what"),
        (Hint, "lock"),
        (Hint, "job_id"),
    ],
)
def test_a_field_that_must_be_there_is_missed(sort: type[Message], name: str) -> None:
    body = {key: value for key, value in dict(MESSAGES)[sort].items() if key != name}
    assert refused(sort, body) == [(name,)]


def test_a_wake_up_that_names_a_lock_alone_is_neither_deferred_nor_released() -> None:
    assert RunJob(lock="ledger").model_dump() == {
        "version": 1,
        "lock": "ledger",
        "job_id": None,
        "is_deferred_copy": False,
        "released": False,
    }


def test_a_command_without_an_actor_comes_from_rabbitmq() -> None:
    command = read(SubmitJob, {"job": {"kind": "ten-steps"}})
    assert isinstance(command, SubmitJob)
    assert command.actor == "rabbitmq"


def test_a_command_is_as_strict_about_its_job_as_http() -> None:
    assert refused(SubmitJob, {"job": {"kind": "ten-steps", "priority": 10}}) == [("job", "priority")]
    assert refused(SubmitJob, {"job": {"kind": "ten-steps", "wish": 1}}) == [("job", "wish")]


def test_a_hint_of_another_sort_is_refused() -> None:
    assert refused(Hint, {"what": "hello", "lock": "ledger", "job_id": JOB_ID}) == [("what",)]


@pytest.mark.parametrize("wrong", ["1", 0, -1, 1.0, None, True, 10**400])
@pytest.mark.parametrize("name", ["first", "last"])
def test_the_number_of_an_event_is_read_strictly(name: str, wrong: object) -> None:
    body = {"lock": "ledger", "job_id": JOB_ID, "first": 1, "last": 1, name: wrong}
    assert refused(JobEvents, body) == [(name,)]


@pytest.mark.parametrize("seqs", [[3], [3, 4], [3, 4, 5, 6]])
def test_whole_events_of_an_earlier_release_are_understood_by_their_numbers(seqs: list[int]) -> None:
    body = {"version": 1, "lock": "ledger", "events": [{**EVENT, "seq": seq} for seq in seqs]}
    assert read(JobEvents, body) == JobEvents(lock="ledger", job_id=JOB_ID, first=3, last=seqs[-1])


@pytest.mark.parametrize("events", [None, [], {}, "x", [7], [EVENT, 7], [{}, {}], [{**EVENT, "seq": "1"}]])
def test_other_lists_of_events_are_refused(events: object) -> None:
    assert refused(JobEvents, {"lock": "ledger", "events": events})


def group(*items: object) -> dict[str, Any]:
    return {"version": 1, "items": list(items)}


@pytest.mark.parametrize("name", ["lock", "job_id", "first", "last"])
def test_every_item_of_a_group_says_all_that_a_message_about_one_job_says(name: str) -> None:
    wrong = {key: value for key, value in ITEM.items() if key != name}
    assert refused(EventGroup, group(ITEM, wrong)) == [("items", 1, name)]


@pytest.mark.parametrize(
    "about",
    [
        {"wish": 1},
        {"first": "3"},
        {"last": 0},
        {"traceparent": 7},
        {"events": {}},
        {"events": ["x"]},
        {"events": [{"data": {"a": 1}}]},
        {"job": []},
        {"job": {"status": ["Queued"]}},
    ],
)
def test_what_an_item_says_is_read_strictly(about: dict[str, Any]) -> None:
    assert {loc[:3] for loc in refused(EventGroup, group({**ITEM, **about}))} == {("items", 0, *about)}


def test_a_group_has_items_and_not_too_many() -> None:
    assert refused(EventGroup, group()) == [("items",)]
    assert refused(EventGroup, group(*[ITEM] * (MOST_ANNOUNCED + 1))) == [("items",)]
    read(EventGroup, group(*[ITEM] * MOST_ANNOUNCED))


@pytest.mark.parametrize("body", [ITEM, {"version": 1, **ITEM}])
def test_a_message_about_one_job_of_an_earlier_release_is_a_group_of_one(body: dict[str, Any]) -> None:
    assert read(EventGroup, body) == read(EventGroup, group(ITEM))


def test_whole_events_of_a_still_earlier_release_are_a_group_of_one_and_are_not_believed() -> None:
    events = [{**EVENT, "seq": seq} for seq in (3, 4, 5)]
    assert read(EventGroup, {"lock": "ledger", "events": events}) == read(EventGroup, group(ITEM))


@pytest.mark.parametrize("body", [[], "x", 7, None, {**ITEM, "items": [ITEM]}, {**ITEM, "first": 0}])
def test_what_is_neither_a_group_nor_about_one_job_is_refused(body: Any) -> None:
    assert refused(EventGroup, body)


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_version_of_a_message_about_one_job_is_refused(version: object) -> None:
    assert refused(EventGroup, {**ITEM, "version": version})
