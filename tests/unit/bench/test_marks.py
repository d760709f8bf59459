"""What follows from the handlers' notes: overlaps, gaps, rates."""

import os

import pytest
from bench import handler, marks
from bench.marks import Mark

SECOND = 1_000_000_000


def mark(number, began, ended, lock="ledger", worker="1"):
    return Mark(number, int(began * SECOND), int(ended * SECOND), "-", worker, lock)


def test_runs_that_follow_each_other_do_not_overlap():
    assert marks.overlaps([mark(0, 1, 2), mark(1, 2, 3), mark(2, 4, 5)]) == 0


def test_a_run_that_begins_before_the_one_before_has_ended_overlaps():
    assert marks.overlaps([mark(0, 1, 3), mark(1, 2, 4)]) == 1


def test_a_long_run_overlaps_with_every_run_within_it():
    assert marks.overlaps([mark(0, 0, 10), mark(1, 1, 2), mark(2, 3, 4), mark(3, 10, 11)]) == 2


def test_runs_of_two_locks_may_overlap():
    assert marks.overlaps([mark(0, 1, 3), mark(1, 2, 4, "other")]) == 0


def test_the_order_in_which_runs_were_noted_does_not_matter():
    assert marks.overlaps([mark(1, 2, 4), mark(0, 1, 3)]) == 1
    assert marks.gaps([mark(1, 5, 6), mark(0, 1, 3)]) == [2.0]


def test_gaps_are_between_runs_of_the_same_lock():
    found = marks.gaps([mark(0, 1, 2), mark(1, 1, 2, "other"), mark(2, 2.5, 3), mark(3, 4, 5, "other")])
    assert sorted(found) == [0.5, 2.0]


def test_gaps_to_others_are_those_after_which_another_worker_had_the_lock():
    runs = [mark(0, 1, 2), mark(1, 2.5, 3), mark(2, 5, 6, worker="2"), mark(3, 6.25, 7)]
    assert marks.gaps(runs) == [0.5, 2.0, 0.25]
    assert marks.gaps_to_others(runs) == [2.0, 0.25]


def test_an_overlap_has_no_negative_gap():
    assert marks.gaps([mark(0, 1, 3), mark(1, 2, 4)]) == [0.0]


def test_a_job_that_ran_three_times_was_repeated_twice():
    assert marks.repeated([mark(0, 1, 2), mark(0, 2, 3), mark(0, 3, 4), mark(1, 4, 5)]) == 2


def test_the_rate_counts_until_the_last_end():
    assert marks.rate([mark(0, 1, 3), mark(1, 3, 5)], since_ns=SECOND) == 0.5


def test_what_handlers_note_is_read_back_in_order_of_the_starts(tmp_path, monkeypatch):
    file = tmp_path / "marks"
    monkeypatch.setenv(handler.MARKS, str(file))
    with handler.noted(7, "a lock\u2019s name", "id"), handler.noted(8, "other"):
        pass
    first, second = marks.read_marks(file)
    assert (first.number, first.lock, first.job_id) == (7, "a lock\u2019s name", "id")
    assert (second.number, second.lock) == (8, "other")
    assert first.worker == second.worker == str(os.getpid())
    assert first.began_ns <= second.began_ns <= second.ended_ns <= first.ended_ns


def test_a_line_that_is_being_written_is_left_out(tmp_path):
    file = tmp_path / "marks"
    file.write_text("0\t1\t2\t-\t9\tledger\n1\t3\t4\t-\t9\tled")
    assert [mark.number for mark in marks.read_marks(file)] == [0]


def test_no_file_is_no_runs(tmp_path):
    assert marks.read_marks(tmp_path / "marks") == []


def test_a_handler_that_fails_notes_no_run(tmp_path, monkeypatch):
    file = tmp_path / "marks"
    monkeypatch.setenv(handler.MARKS, str(file))
    with pytest.raises(RuntimeError), handler.noted(1, "ledger"):
        raise RuntimeError
    assert marks.read_marks(file) == []
