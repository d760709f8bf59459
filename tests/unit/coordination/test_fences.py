"""Fences of removed runs as text, and the ranges that stand for those of forgotten jobs."""

import random
from itertools import permutations

import pytest

from coordination.journal.fences import FenceRanges, UsedFence, read_fences, write_fences


def ranges_of(*fences: UsedFence) -> FenceRanges:
    made = FenceRanges()
    for used in fences:
        made.add(used)
    return made


@pytest.mark.parametrize(
    ("fences", "text"),
    [
        ([], ""),
        ([UsedFence(4), UsedFence(5), UsedFence(6), UsedFence(9, may_skip=True)], "4-6,9+"),
        ([UsedFence(1, slot=1), UsedFence(2), UsedFence(2, slot=1), UsedFence(3)], "2-3;1:1-2"),
        ([UsedFence(7, may_skip=True, slot=12)], "12:7+"),
    ],
)
def test_fences_are_written_by_slot_and_read_back(fences: list[UsedFence], text: str) -> None:
    assert write_fences(fences) == text
    assert list(read_fences(text)) == sorted(fences, key=lambda used: (used.slot, used.fence))


@pytest.mark.parametrize("text", ["x", "1,x", "1-x", ":", "a:1", "1;2:"])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        list(read_fences(text))
    with pytest.raises(ValueError, match="invalid literal"):
        FenceRanges(text)


def test_what_follows_each_other_becomes_one_range_in_any_order() -> None:
    for fences in permutations([UsedFence(1), UsedFence(2), UsedFence(3), UsedFence(5), UsedFence(6)]):
        made = ranges_of(*fences)
        assert (made.text, made.count, made.skipped) == ("1-3,5-6", 5, 0)
        assert FenceRanges(made.text).text == made.text


def test_one_fence_that_a_take_over_may_have_used_does_not_part_two_ranges() -> None:
    for fences in permutations([UsedFence(1), UsedFence(2, may_skip=True), UsedFence(4), UsedFence(7)]):
        made = ranges_of(*fences)
        assert (made.text, made.count, made.skipped) == ("1-4,7", 5, 1)
    # It was that of a run, which is forgotten later.
    made.add(UsedFence(3))
    assert (made.text, made.count, made.skipped) == ("1-4,7", 5, 0)
    assert ranges_of(UsedFence(2, may_skip=True), UsedFence(5)).text == "2+,5"


def test_slots_are_kept_apart() -> None:
    made = ranges_of(UsedFence(1), UsedFence(1, slot=3), UsedFence(2, may_skip=True, slot=3), UsedFence(2))
    assert made.text == "1-2;3:1-2+"
    assert list(made.of_slot(3)) == [(1, 2, True)]
    assert list(made.of_slot(2)) == []
    assert (made.end_of(1), made.end_of(3), made.end_of(1, slot=3)) == (2, None, 2)


@pytest.mark.parametrize("seed", range(20))
def test_any_fences_come_to_what_they_are(seed: int) -> None:
    chance = random.Random(seed)
    fences = [UsedFence(fence, chance.random() < 0.2) for fence in range(1, 60) if chance.random() < 0.7]
    chance.shuffle(fences)
    made = FenceRanges()
    for used in fences:
        made = FenceRanges(made.text, made.skipped)
        made.add(used)
    covered = {fence for first, last, _ in made.of_slot() for fence in range(first, last + 1)}
    used_ones = {used.fence for used in fences}
    skips = {used.fence + 1 for used in fences if used.may_skip}
    assert used_ones <= covered <= used_ones | skips
    assert made.count == len(covered) == len(used_ones) + made.skipped
