"""Names and ids that no path of a request can have."""

import pytest

from contracts.path_names import wrong_name


@pytest.mark.parametrize(
    "name", ["a", "host-1/7.a", "a b", "é", "..", "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"]
)
def test_a_name_may_be_nearly_anything(name: str) -> None:
    assert wrong_name(name) is None


@pytest.mark.parametrize("name", ["", "  "])
def test_a_name_is_not_empty(name: str) -> None:
    assert wrong_name(name) == "must not be empty"


@pytest.mark.parametrize(
    ("name", "character"),
    [("a\nb", "000A"), ("a\x00", "0000"), ("\x7f", "007F"), ("a\ud800", "D800"), ("a\u2028b", "2028")],
)
def test_a_control_character_is_named(name: str, character: str) -> None:
    assert wrong_name(name) == f"must not contain the control character U+{character}; remove it"
