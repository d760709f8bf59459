"""Files with inputs, and what is said of those that cannot be used."""

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, Field

from coordination.clock import VirtualClock
from inputs.configuration import ConfiguredInput, InputFileError, read_inputs
from inputs.input_types import InputType
from inputs.secret_references import Secret
from inputs.testing.in_memory import InMemoryInput, InMemoryQueue

ENVIRONMENT = {"ORDERS_PASSWORD": "canary-7b1a7c4e", "EMPTY": ""}

GOOD = """
[inputs.orders]
type = "memory"
source = { password = { env = "ORDERS_PASSWORD" }, queue = "orders" }
job = { kind = "import-order", lock = "tenant:{body.tenant}" }
"""


class Source(BaseModel):
    """Where a queue is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    queue: Annotated[str, Field(min_length=1)]
    password: Secret


TYPES = {"memory": InputType(Source, lambda _, __: InMemoryInput(InMemoryQueue(VirtualClock())))}


def read(folder: Path, text: str) -> list[ConfiguredInput]:
    path = folder / "inputs.toml"
    path.write_text(text, encoding="utf-8")
    return read_inputs(path, TYPES, ENVIRONMENT)


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(InputFileError) as caught:
        read(folder, text)
    return str(caught.value)


def test_an_input_has_defaults_for_all_but_its_queue_and_its_job(tmp_path: Path) -> None:
    (found,) = read(tmp_path, GOOD)

    assert (found.name, found.identity) == ("orders", "orders")
    assert (found.definition.at_once, found.definition.message_timeout) == (4, 300)
    assert found.definition.most_waiting is None
    assert found.secrets == ["canary-7b1a7c4e"]


def test_an_identity_outlasts_a_name(tmp_path: Path) -> None:
    (found,) = read(tmp_path, GOOD.replace("orders]", 'sales]\nidentity = "orders"'))

    assert (found.name, found.identity) == ("sales", "orders")


def test_a_secret_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("of the file\n")
    text = GOOD.replace('env = "ORDERS_PASSWORD"', f'file = "{tmp_path / "password"}"')

    assert read(tmp_path, text)[0].secrets == ["of the file"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[inputs.orders]", "[inputs.orders", "is not TOML"),
        ("[inputs.orders]", "[input.orders]", "has tables [inputs.NAME], and not 'input'"),
        ("[inputs.orders]", "[inputs.Orders]", "'Orders' cannot name an input"),
        ('"memory"', '"sqs"', "inputs.orders.type: 'sqs' is not a type of inputs; known: memory"),
        ('type = "memory"', "", "inputs.orders.type: is required"),
        ('type = "memory"', 'type = "memory"\nat_once = 0', "inputs.orders.at_once: must be at least 1"),
        (
            'type = "memory"',
            'type = "memory"\nmessage_timeout = "5m"',
            "inputs.orders.message_timeout: must be a",
        ),
        ('type = "memory"', 'type = "memory"\nkind_patience = 300', "kind_patience: must be less than"),
        ('type = "memory"', 'type = "memory"\nbatch = 3', "inputs.orders.batch: is not a known field"),
        (', lock = "tenant:{body.tenant}" }', " }\nmost_waiting = 5", "most_waiting: needs job.lock"),
        ("{body.tenant}", "{tenant}", "inputs.orders.job.lock: may have only {body.NAME}"),
        ('kind = "import-order", ', "", "inputs.orders.job.kind: is required"),
        (', queue = "orders"', "", "inputs.orders.source.queue: is required"),
        ('{ env = "ORDERS_PASSWORD" }', '"secret-of-mine"', "secrets do not stand in this file"),
        ('env = "ORDERS_PASSWORD"', 'env = "OTHER"', "the environment variable OTHER is not set"),
        ('env = "ORDERS_PASSWORD"', 'env = "EMPTY"', "inputs.orders.source.password: EMPTY is empty"),
        ('env = "ORDERS_PASSWORD"', 'file = "/nowhere"', "/nowhere cannot be read"),
        ('env = "ORDERS_PASSWORD"', "env = 1", "must be { env ="),
    ],
)
def test_what_is_wrong_is_said_with_input_field_and_remedy(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    assert old in GOOD
    text = complaint(tmp_path, GOOD.replace(old, new))

    assert words in text
    assert "secret-of-mine" not in text
    assert str(tmp_path / "inputs.toml") in text


def test_two_inputs_cannot_have_one_identity(tmp_path: Path) -> None:
    other = GOOD.replace("orders]", 'sales]\nidentity = "orders"')

    assert "inputs.sales.identity: 'orders' is that of inputs.orders, too" in complaint(
        tmp_path, GOOD + other
    )


def test_a_file_without_inputs_is_an_error(tmp_path: Path) -> None:
    assert "has tables [inputs.NAME]" in complaint(tmp_path, "inputs = {}")
