"""JSON that means one thing to every reader, and the one text of a document."""

from typing import Any

import pytest

from contracts.strict_json import StrictJsonError, canonical, parse


def reason(text: str | bytes) -> str:
    """Return why a text is refused."""
    with pytest.raises(StrictJsonError) as refused:
        parse(text if isinstance(text, bytes) else text.encode())
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("null", None),
        (' {"a": [1, -2.5, true, "x"]}\n', {"a": [1, -2.5, True, "x"]}),
        ('"\\ud83d\\udca5"', "💥"),
        ('"💥\u00e9\ue000\ufffd"', "💥\u00e9\ue000\ufffd"),
        ('{"\\ud83d\\udca5": 1}', {"💥": 1}),
        ("1.7976931348623157e308", 1.7976931348623157e308),
        ("1e-999", 0.0),
        ("9" * 4300, int("9" * 4300)),
        ('[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
        ('{"a": 1, "A": 2}', {"a": 1, "A": 2}),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_every_reader_understands_alike_is_read(text: str, document: Any) -> None:
    assert parse(text.encode()) == document


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_thirty_two_levels_are_read_and_one_more_is_not(opening: str) -> None:
    closing = "".join({"[": "]", "{": "}"}[sign] for sign in reversed(opening) if sign in "[{")
    levels = len(closing)

    def nested(times: int) -> str:
        return opening * times + "1" + closing * times

    assert parse(nested(32 // levels).encode())
    too_deep = "the body nests lists and objects more than 32 levels deep"
    assert reason(f"[{nested(32 // levels)}]") == too_deep
    # Also beside what is not deep, and when nothing is inside.
    assert reason(f'{{"a": 1, "b": {nested(32 // levels)}, "c": []}}') == too_deep
    assert reason("[" * 33 + "]" * 33) == too_deep


@pytest.mark.parametrize("text", ["\\ud800", "\\udfff", "x\\udbff", "\\udc00x", "é\\ud800"])
def test_half_a_pair_is_found_wherever_it_stands(text: str) -> None:
    for body in ('"@"', '{"@": 1}', '[1, {"a": [0, "@"]}]', '[{"a": {"@": 1}}]'):
        assert reason(body.replace("@", text)).startswith(
            "a text in the body contains half of a surrogate pair"
        )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("NaN", "the body contains NaN, which is not JSON; use null or a text"),
        ("[Infinity]", "the body contains Infinity, which is not JSON; use null or a text"),
        ('{"a": -Infinity}', "the body contains -Infinity, which is not JSON; use null or a text"),
        ("1.8e308", "the body contains a number too large for a 64-bit float; send it as text"),
        ("[-1e309]", "the body contains a number too large for a 64-bit float; send it as text"),
        ("9" * 4301, "the body contains a number with too many digits"),
        ('{"a": 1, "a": 1}', "the body names 'a' twice; send it once"),
        ('{"a": {"b": 1, "c": 2, "b": 3}}', "the body names 'b' twice; send it once"),
        ('{"é": 1, "\\u00e9": 2}', "the body names '\\xe9' twice; send it once"),
        ("[1,\n x]", "the body is not JSON: Expecting value at line 2, column 2"),
        ("1 2", "the body is not JSON: Extra data at line 1, column 3"),
        (b'"a\xff"', "the body is not UTF-8: byte 2 cannot be read"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_readers_understand_differently_is_refused_with_the_reason(text: str | bytes, why: str) -> None:
    assert reason(text) == why


@pytest.mark.parametrize(("length", "shown"), [(64, "x" * 64), (65, "x" * 64 + "\\u2026")])
def test_a_long_name_that_stands_twice_is_shown_in_part(length: int, shown: str) -> None:
    name = "x" * length
    assert reason(f'{{"{name}": 1, "{name}": 2}}') == f"the body names '{shown}' twice; send it once"


def test_equal_documents_have_one_text_and_others_have_another() -> None:
    one = canonical(parse(b'{"b": [1, {"d": null, "c": "\\u00e9"}], "a": 0.50}'))
    other = canonical(parse('{ "a":5e-1,\n"b":[1,{"c":"é","d":null}] }'.encode()))
    assert one == other == '{"a":0.5,"b":[1,{"c":"é","d":null}]}'
    assert canonical([1, 2]) != canonical([2, 1])
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical(float("nan"))
