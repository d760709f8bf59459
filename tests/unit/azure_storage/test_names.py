"""Names of tables and of the container: as the store takes them, all beneath one prefix."""

import pytest

from azure_storage.names import StorageNames
from azure_storage.read_models import Table


def test_names_share_their_prefix() -> None:
    names = StorageNames(prefix="Blue")
    assert (names.journal_table, names.index_table) == ("BlueJournal", "BlueJobIndex")
    assert (names.lock_container, names.table("Workers")) == ("bluelocks", "BlueWorkers")


def test_names_without_a_prefix_never_change() -> None:
    """Under another name an installation would not find what it has stored."""
    names = StorageNames()
    assert (names.journal_table, names.index_table, names.lock_container) == ("Journal", "JobIndex", "locks")
    assert [names.table(table) for table in Table] == [
        "JobAuditTrail",
        "RecentEvents",
        "JobSummaries",
        "LockRuns",
        "Locks",
        "Workers",
        "Kinds",
    ]


def test_with_the_longest_prefix_no_name_is_too_long() -> None:
    names = StorageNames("x" * 40)
    all_names = [names.journal_table, names.index_table, names.lock_container, *map(names.table, Table)]
    assert max(map(len, all_names)) <= 63


@pytest.mark.parametrize("prefix", ["1a", "x" * 41, "a-b", "a b", "übel", "abc\n"])
def test_a_prefix_that_the_store_would_not_take_is_refused_at_once(prefix: str) -> None:
    with pytest.raises(ValueError, match="cannot lead the names of tables"):
        StorageNames(prefix)
