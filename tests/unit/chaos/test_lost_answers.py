"""Answers are lost as often as wanted, and never so many in a row that the storage seems to be away."""

import random
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.chaos.lost_answers import LostAnswers
from tests.chaos.proxy import LOST_ANSWERS, Fault, Seen
from tests.chaos.requests import Kind, Request
from tests.chaos.sizes import SMALL

_REQUEST = Request.of(b"PUT /a HTTP/1.1\r\n\r\n")


def case_in(folder: Path, seen: Seen) -> LostAnswers:
    (folder / "effects.jsonl").touch()
    stack: Any = SimpleNamespace(folder=folder, network=SimpleNamespace(seen=seen))
    case = LostAnswers(stack, SMALL, random.Random(1), print)
    case._lost, case._in_a_row = seen.lost_answers, Counter()
    return case


def test_no_kind_goes_without_answer_more_than_twice_in_a_row(tmp_path: Path) -> None:
    seen, unanswered, longest = Seen(), 0, 0
    case = case_in(tmp_path, seen)
    met: Counter[Fault | None] = Counter()
    for _ in range(5000):
        fault = case._decide("worker-1", _REQUEST, Kind.RENEW)
        met[fault] += 1
        unanswered = 0 if fault in {None, Fault.TWICE} else unanswered + 1
        longest = max(longest, unanswered)
    assert longest == 2
    assert set(met) == {None, Fault.TWICE, Fault.LATE, Fault.LOST, *LOST_ANSWERS}


def test_a_kind_does_not_get_far_ahead_of_the_rarest(tmp_path: Path) -> None:
    seen = Seen()
    case = case_in(tmp_path, seen)
    for _ in range(1000):
        if case._decide("worker-1", _REQUEST, Kind.RENEW) in LOST_ANSWERS:
            seen.lost_answers[Kind.RENEW] += 1
    assert seen.lost_answers[Kind.RENEW] == 10


def test_what_is_no_write_is_left_alone(tmp_path: Path) -> None:
    case = case_in(tmp_path, Seen())
    assert not any(case._decide("worker-1", _REQUEST, None) for _ in range(1000))
