"""Names of tables and of the container: as the store takes them, all beneath one prefix."""

import pytest

from azure_storage.names import StorageNames


def test_names_share_their_prefix() -> None:
    names = StorageNames(prefix="Blue")
    assert (names.journal_table, names.index_table) == ("BlueJournal", "BlueJobIndex")
    assert (names.lock_container, names.table("Workers")) == ("bluelocks", "BlueWorkers")


@pytest.mark.parametrize("journal", ["abc", "A" * 63, "a1B"])
@pytest.mark.parametrize("locks", ["abc", "a" * 63, "a-b-1", "007"])
def test_a_name_that_the_store_takes_is_taken(journal: str, locks: str) -> None:
    names = StorageNames(journal=journal, index=journal, locks=locks)
    assert (names.journal_table, names.index_table, names.lock_container) == (journal, journal, locks)


@pytest.mark.parametrize("field", ["journal", "index"])
@pytest.mark.parametrize("wrong", ["ab", "x" * 64, "1ab", "a-b", "a b", "übel", "abc\n", ""])
def test_a_name_that_is_none_for_a_table_is_refused_at_once(field: str, wrong: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name of a table"):
        StorageNames(**{field: wrong})


@pytest.mark.parametrize("wrong", ["ab", "x" * 64, "a_b", "a--b", "-ab", "ab-", "a b", "abc\n", ""])
def test_a_name_that_is_none_for_a_container_is_refused_at_once(wrong: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name of a container"):
        StorageNames(locks=wrong)


@pytest.mark.parametrize(("prefix", "what"), [("1a", "table"), ("x" * 60, "table"), ("a-b", "table")])
def test_the_prefix_counts_as_a_part_of_the_name(prefix: str, what: str) -> None:
    with pytest.raises(ValueError, match=f"cannot be the name of a {what}"):
        StorageNames(prefix=prefix)
