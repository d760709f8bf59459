"""Which job a message becomes."""

import json
from typing import Any

import pytest
from pydantic import ValidationError
from tests.unit.inputs.post import configured

from contracts.jobs import MAX_BODY_BYTES, Submission
from inputs.mapping import RefusedError
from inputs.port import Delivery, RefusalReason

ORDER = {"tenant": "acme", "number": 7, "urgent": True, "lines": [{"sku": "a"}], "ship": {"to": "Rome"}}


def message(body: object = None, **fields: Any) -> Delivery:
    raw = body if isinstance(body, bytes) else json.dumps(ORDER if body is None else body).encode()
    return Delivery(body=raw, handle=None, **{"message_id": "m-1", **fields})


def job(delivery: Delivery | None = None, **mapping: Any) -> Submission:
    of = configured(job={"kind": "import-order", **mapping})
    return of.definition.job.job(delivery or message(), of.identity)[1]


def refusal(delivery: Delivery | None = None, **mapping: Any) -> tuple[str, str]:
    with pytest.raises(RefusedError) as caught:
        job(delivery, **mapping)
    return caught.value.refusal.reason, caught.value.refusal.explanation


def test_a_message_fills_the_templates_of_its_job() -> None:
    asked = job(
        message(properties={"region": "eu", "prio": "2"}, session="s-9", subject="new order", sequence=12),
        kind="import-{properties.region}",
        lock="tenant:{body.tenant}/{session}",
        name="Order {body.number} ({subject})",
        priority="{properties.prio}",
        properties={"place": "{body.ship.to}", "number": "{sequence}"},
        timeout=60,
    )

    assert (asked.kind, asked.lock, asked.name) == ("import-eu", "tenant:acme/s-9", "Order 7 (new order)")
    assert (asked.priority, asked.timeout, asked.parameters) == (2, 60, ORDER)
    assert asked.properties == {"place": "Rome", "number": "12", "input": "orders", "message_id": "m-1"}


def test_parameters_are_a_part_of_the_message_or_are_put_together() -> None:
    assert job(parameters="{body.ship}").parameters == {"to": "Rome"}
    together = {"from": "queue {id}", "lines": "{body.lines}", "urgent": "{body.urgent}", "tries": 3}
    assert job(parameters=together).parameters == {
        "from": "queue m-1",
        "lines": [{"sku": "a"}],
        "urgent": True,
        "tries": 3,
    }


def test_a_message_without_a_usable_body_becomes_a_job_that_needs_none() -> None:
    asked = job(message(b"\xff"), parameters={"id": "{id}"})

    assert asked.parameters == {"id": "m-1"}
    assert "lock" not in asked.model_fields_set


def test_braces_are_written_twice() -> None:
    assert job(name="{{body}}").name == "{body}"


@pytest.mark.parametrize(
    ("delivery", "mapping", "reason", "words"),
    [
        (message(b"{"), {}, RefusalReason.UNREADABLE, "job.parameters: the body is not JSON"),
        (message(b"\xff"), {}, RefusalReason.UNREADABLE, "not UTF-8"),
        (message(b'{"a": 1, "a": 2}'), {}, RefusalReason.UNREADABLE, "twice"),
        (message(b" " * (MAX_BODY_BYTES + 1)), {}, RefusalReason.TOO_LARGE, "262,145 bytes"),
        (message([1]), {}, RefusalReason.INVALID_JOB, "parameters: must be a JSON object"),
        (
            message({}),
            {"lock": "{body.tenant}"},
            RefusalReason.NO_VALUE,
            "job.lock: the message has no body.tenant",
        ),
        (message({"tenant": None}), {"lock": "{body.tenant}"}, RefusalReason.NO_VALUE, "has no body.tenant"),
        (message({"tenant": " "}), {"lock": "{body.tenant}"}, RefusalReason.NO_VALUE, "is empty"),
        (
            message({"tenant": 1.5}),
            {"lock": "{body.tenant}"},
            RefusalReason.NO_VALUE,
            "a text or a whole number",
        ),
        (
            message({"tenant": True}),
            {"lock": "{body.tenant}"},
            RefusalReason.NO_VALUE,
            "a text or a whole number",
        ),
        (message({"tenant": "a\u0000"}), {"lock": "{body.tenant}"}, RefusalReason.INVALID_JOB, "lock"),
        (message({"tenant": "a" * 201}), {"lock": "{body.tenant}"}, RefusalReason.INVALID_JOB, "at most 200"),
        (message(), {"kind": "{body.tenant} inc"}, RefusalReason.INVALID_JOB, "kind"),
        (
            message(),
            {"priority": "{body.tenant}"},
            RefusalReason.INVALID_JOB,
            "priority: must be a whole number",
        ),
        (message({"priority": 11}), {"priority": "{body.priority}"}, RefusalReason.INVALID_JOB, "at most 9"),
        (message(), {"lock": "{properties.region}"}, RefusalReason.NO_VALUE, "has no properties.region"),
        (message(), {"lock": "{session}"}, RefusalReason.NO_VALUE, "has no session"),
        (message(message_id=None), {}, RefusalReason.NO_ID, "job.id"),
        (message(message_id="a" * 257), {}, RefusalReason.NO_ID, "at most 256"),
        (message(), {"id": "{body.ship}"}, RefusalReason.NO_VALUE, "job.id"),
    ],
)
def test_a_message_that_makes_no_job_is_refused_with_the_field_and_the_remedy(
    delivery: Delivery, mapping: dict[str, Any], reason: RefusalReason, words: str
) -> None:
    found, explanation = refusal(delivery, **mapping)

    assert found == reason
    assert words in explanation


def test_an_explanation_has_bounds() -> None:
    _, explanation = refusal(message({"x" * 300: 1}), kind="K" * 400, name="n" * 500)

    assert len(explanation) <= 1000


@pytest.mark.parametrize(
    "mapping",
    [
        {"lock": "{tenant}"},
        {"lock": "{body.tenant!r}"},
        {"lock": "{body[0]}"},
        {"lock": "{body.tenant"},
        {"lock": "{body.tenant:>9}"},
        {"lock": "{}"},
        {"lock": ""},
        {"name": "{__class__}"},
        {"parameters": {"a": ["{handle}"]}},
        {"properties": {"input": "x"}},
        {"properties": {"message_id": "x"}},
        {"properties": {"a:b": "x"}},
        {"priority": 10},
        {"on_conflict": "perhaps"},
        {"unknown": 1},
    ],
)
def test_a_mapping_that_can_make_no_job_is_an_error_of_the_file(mapping: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        configured(job={"kind": "import-order", **mapping})


def test_other_things_than_the_message_id_may_tell_messages_apart() -> None:
    of = configured(job={"kind": "import-order", "id": "{body.tenant}-{body.number}"})

    assert of.definition.job.job(message(message_id=None), "orders")[0] == "acme-7"
