"""The local storage answers as the emulator does without it."""

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.data.tables import TableClient, TableServiceClient, UpdateMode
from deploy.servers.private import Azurite

pytestmark = pytest.mark.integration

#: Also keys that UTF-8 and UTF-16 sort differently, and one with what a filter must double.
KEYS = ["", "a", "a'b", "ab", "B", "é", "z", "~", "\u9fff", "\uffee", "😀", "😀b"]
OPERATIONS = 400
Answer = tuple[Any, ...]


class Side:
    """One of the two servers, with the tags of the rows as it knows them."""

    def __init__(self, table: TableClient) -> None:
        self.table = table
        self._tags: dict[tuple[str, str], str] = {}

    def answer(self, operation: str, *values: Any) -> Answer:
        """Carry out an operation; return what can be compared of the answer."""
        try:
            return ("done", getattr(self, operation)(*values))
        except HttpResponseError as error:
            kind = getattr(error, "error_code", None), getattr(error, "index", None)
            return ("refused", error.status_code, *kind)

    def create(self, row: dict[str, Any]) -> None:
        self._note(row, self.table.create_entity(row))

    def upsert(self, row: dict[str, Any], mode: UpdateMode) -> None:
        self._note(row, self.table.upsert_entity(row, mode))

    def update(self, row: dict[str, Any], mode: UpdateMode, fresh: bool) -> None:
        self._note(row, self.table.update_entity(row, mode, **self._condition(row, fresh)))

    def delete(self, row: dict[str, Any], fresh: bool) -> None:
        self.table.delete_entity(row["PartitionKey"], row["RowKey"], **self._condition(row, fresh))

    def read(self, row: dict[str, Any]) -> Any:
        return _plain(self.table.get_entity(row["PartitionKey"], row["RowKey"]))

    def transact(self, steps: list[tuple[str, dict[str, Any], bool]]) -> None:
        operations: list[Any] = [
            (step, row, {"mode": UpdateMode.MERGE, **self._condition(row, fresh)} if step == "update" else {})
            for step, row, fresh in steps
        ]
        for (step, row, _), answer in zip(steps, self.table.submit_transaction(operations), strict=True):
            if step != "delete":
                self._note(row, answer)

    def query(self, text: str, parameters: dict[str, Any], size: int) -> Any:
        pages = self.table.query_entities(text, parameters=parameters, results_per_page=size).by_page()
        return [[_plain(row) for row in page] for page in pages]

    def _note(self, row: dict[str, Any], answer: Any) -> None:
        self._tags[row["PartitionKey"], row["RowKey"]] = answer["etag"]

    def _condition(self, row: dict[str, Any], fresh: bool) -> dict[str, Any]:
        old = "W/\"datetime'2020-01-01T00%3A00%3A00.0000000Z'\""
        tag = self._tags.get((row["PartitionKey"], row["RowKey"]), old) if fresh else old
        return {"etag": tag, "match_condition": MatchConditions.IfNotModified}


@pytest.fixture
def sides(
    azurite: Azurite, unchanged_azurite: Azurite, storage_namespace: str
) -> Iterator[tuple[Side, Side]]:
    """A table of the same name on both servers."""
    with contextlib.ExitStack() as stack:
        found = []
        for server in (azurite, unchanged_azurite):
            service = TableServiceClient.from_connection_string(server.connection_string, retry_total=0)
            stack.enter_context(service)
            found.append(Side(service.create_table(storage_namespace)))
        yield found[0], found[1]


@pytest.mark.parametrize("seed", [1, 2])
def test_random_operations_have_the_same_answers(sides: tuple[Side, Side], seed: int) -> None:
    chance = random.Random(seed)
    seen = set()
    for number in range(OPERATIONS):
        operation = _operation(chance)
        ours, theirs = (side.answer(*operation) for side in sides)
        assert ours == theirs, f"operation {number}: {operation}"
        seen.add((operation[0], ours[0]))
    every = ("create", "upsert", "update", "delete", "read", "transact", "query")
    assert {(name, "done") for name in every} <= seen
    assert {(name, "refused") for name in ("create", "update", "delete", "read", "transact")} <= seen


def test_a_query_that_looks_through_many_rows_continues_where_it_stopped(azurite: Azurite) -> None:
    with TableServiceClient.from_connection_string(azurite.connection_string) as service:
        table = service.create_table("manyrows")
        for partition in range(60):
            rows = [
                {"PartitionKey": f"{partition:02}", "RowKey": f"{row:02}", "Wanted": partition == 59}
                for row in range(100)
            ]
            table.submit_transaction([("create", row) for row in rows])
        pages = [list(page) for page in table.query_entities("Wanted eq true").by_page()]
    assert len(pages) > 1
    assert [row["RowKey"] for page in pages for row in page] == [f"{row:02}" for row in range(100)]


def _operation(chance: random.Random) -> tuple[Any, ...]:
    mode = chance.choice([UpdateMode.MERGE, UpdateMode.REPLACE])
    fresh = chance.random() < 0.8
    match chance.choice(["create", "upsert", "update", "delete", "read", "transact", "query", "query"]):
        case "create":
            return ("create", _row(chance))
        case "upsert":
            return ("upsert", _row(chance), mode)
        case "update":
            return ("update", _row(chance), mode, fresh)
        case "delete":
            return ("delete", _row(chance), fresh)
        case "read":
            return ("read", _row(chance))
        case "transact":
            partition = chance.choice(KEYS)
            keys = chance.sample(KEYS, chance.randint(1, 4))
            return ("transact", [_step(chance, partition, key) for key in keys])
        case _:
            return ("query", *_query(chance), chance.choice([1, 3, 1000]))


def _step(chance: random.Random, partition: str, key: str) -> tuple[str, dict[str, Any], bool]:
    row = {**_row(chance), "PartitionKey": partition, "RowKey": key}
    return chance.choice(["create", "upsert", "update", "delete"]), row, chance.random() < 0.9


def _row(chance: random.Random) -> dict[str, Any]:
    row: dict[str, Any] = {"PartitionKey": chance.choice(KEYS), "RowKey": chance.choice(KEYS)}
    values: list[Any] = [1, 2.5, True, "text", "😀", b"\x00\xff"]
    for name in chance.sample(["One", "Two", "Three"], chance.randint(0, 3)):
        row[name] = chance.choice(values)
    return row


def _query(chance: random.Random) -> tuple[str, dict[str, Any]]:
    parts, parameters = [], {}
    for name in ("PartitionKey", "RowKey"):
        for number in range(chance.choice([0, 1, 1, 2])):
            parameters[f"{name}{number}"] = chance.choice(KEYS)
            parts.append(f"{name} {chance.choice(['eq', 'ge', 'gt', 'le', 'lt', 'ne'])} @{name}{number}")
    if chance.random() < 0.3:
        parts.append("One eq 'text'")
    # With "or", keys must not narrow what is looked through.
    return chance.choice([" and ", " and ", " or "]).join(parts) or "One ge 0", parameters


def _plain(row: Any) -> dict[str, Any]:
    return dict(row)
