"""A job's spans, told from its audit trail."""

import io
from datetime import datetime

import pytest
from rich.cells import cell_len
from rich.console import Console
from tests.unit.command_line.scripted_api import Document
from tests.unit.command_line.trails import COMPLETED, TAKEN_OVER, at, trail

from command_line.drawing import draw, span_of_time
from command_line.waterfall import Stretch, waterfall
from contracts.statuses import EventStatus

SUBMITTED = (0, "Submitted", "submitted by api")
STARTED = ((2, "LeaseAcquired", "acquired"), (2, "Started", "attempt 1 started"))


def spans(events: list[Document], step: str | None = None) -> list[tuple[str, float | None, float | None]]:
    return [(one.name, _second(one.start), _second(one.end)) for one in waterfall(events, step).stretches]


def _second(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - at(0)).total_seconds()


def drawn(events: list[Document], width: int, *, now: float = 60, encoding: str = "utf-8") -> list[str]:
    screen = Console(file=io.TextIOWrapper(io.BytesIO(), encoding=encoding), width=width)
    return [line.plain for line in draw(waterfall(events), screen, at(now))]


def test_every_attempt_is_told_with_its_line_its_steps_and_its_end() -> None:
    assert spans(COMPLETED) == [
        ("submit job", 0, 0),
        ("wait in line", 0, 2),
        ("acquire lease", 2, 2),
        ("take over lock", 2, 2),
        ("run job", 2, 30),
        ("step load", 2, 5),
        ("save state", 6, 6),
        ("interrupt job", 30, 30),
        ("wait in line", 30, 34),
        ("acquire lease", 34, 34),
        ("take over lock", 34, 34),
        ("run job", 34, 50),
        ("step book", 34, 44),
        ("complete job", 50, 50),
    ]
    made = waterfall(COMPLETED)
    assert (made.attempts[1].after, made.attempts[2].after) == ("", "worker worker-1 was lost")
    assert [(one.worker, one.fence) for one in made.attempts.values()] == [("worker-1", 7), ("worker-2", 8)]
    assert [one.outcome for one in made.stretches if one.name == "run job"] == ["interrupted", "completed"]


def test_steps_belong_to_their_attempt() -> None:
    chained = trail(
        SUBMITTED, (2, "Started", "attempt 1 started", {"chained": True}), (3, "Step", "a", {"seconds": 1})
    )
    parents = {one.name: one.parent for one in waterfall(chained).stretches}
    assert parents["step a"] == "run job"
    assert parents["start next job"] == parents["run job"] == "submit job"


def test_what_goes_on_has_no_end_yet() -> None:
    assert spans(TAKEN_OVER, "report")[-3:] == [
        ("run job", 34, None),
        ("step book", 34, 44),
        ("step report", None, None),
    ]
    assert spans(trail(SUBMITTED))[-1] == ("wait in line", 0, None)


@pytest.mark.parametrize(
    ("status", "name"),
    [
        ("Completed", "complete job"),
        ("Failed", "fail job"),
        ("Cancelled", "cancel job"),
        ("TimedOut", "time out job"),
    ],
)
def test_each_outcome_has_its_name(status: str, name: str) -> None:
    made = waterfall(trail(SUBMITTED, *STARTED, (3, status, "why")))
    end = made.stretches[-1]
    assert (end.name, end.reason, end.attempt) == (name, "why", 1)


@pytest.mark.parametrize("status", [status for status in EventStatus if status.ends_run])
def test_every_event_that_ends_a_run_ends_its_span(status: EventStatus) -> None:
    made = waterfall(trail(SUBMITTED, *STARTED, (3, status, "why")))
    run = next(one for one in made.stretches if one.name == "run job")
    assert run.end == at(3)


def test_a_job_cancelled_in_line_was_cancelled_by_the_request() -> None:
    assert spans(trail(SUBMITTED, (5, "Cancelled", "cancelled by ann while waiting"))) == [
        ("submit job", 0, 0),
        ("wait in line", 0, 5),
        ("request cancellation", 5, 5),
    ]


def test_a_job_that_expired_was_ended_in_line() -> None:
    assert spans(trail(SUBMITTED, (5, "Expired", "expired"))) == [
        ("submit job", 0, 0),
        ("wait in line", 0, 5),
        ("expire job", 5, 5),
    ]


def test_an_interruption_that_ends_the_job_is_followed_by_no_waiting() -> None:
    events = trail(SUBMITTED, *STARTED, (9, "Interrupted", "it died"), (9, "Failed", "it died 3 times"))
    assert spans(events)[-2:] == [("interrupt job", 9, 9), ("fail job", 9, 9)]
    assert waterfall(events).stretches[-1].attempt == 1


@pytest.mark.parametrize(("width", "has_bars"), [(200, True), (80, True), (34, True), (30, False)])
def test_no_span_is_wider_than_the_terminal(width: int, has_bars: bool) -> None:
    texts = ("attempt", "  submitted", "    ")
    lines = [line for line in drawn(COMPLETED, width) if not line.startswith(texts)]
    assert max(map(cell_len, lines)) <= width
    assert all(any(mark in line for mark in "█░◆") is has_bars for line in lines[1:])


def test_bars_stand_where_and_as_long_as_things_took() -> None:
    lines = {line[:15].strip(): line for line in drawn(COMPLETED, 140)}
    columns = len(lines["span"]) - lines["span"].rindex(" 0 ") - 1
    load, book = lines["step load"], lines["step book"]
    assert load.count("█") == pytest.approx(columns * 3 / 50, abs=1)
    assert book.count("█") == pytest.approx(columns * 10 / 50, abs=1)
    assert book.index("█") - load.index("█") == pytest.approx(columns * 32 / 50, abs=1)
    assert lines["submit job"].index("◆") == lines["span"].rindex(" 0 ") + 1
    assert len(lines["run job"]) == len(lines["complete job"]) == len(lines["span"])
    assert "+34.0 s" in book
    assert "10.0 s" in book
    assert "attempt 2, after worker worker-1 was lost · on worker-2 · fence 8" in "\n".join(lines.values())


def test_what_goes_on_is_drawn_up_to_now() -> None:
    (open_run,) = (line for line in drawn(TAKEN_OVER, 140) if line.endswith("▶"))
    assert open_run.startswith("  run job")
    assert ">26.0 s" in open_run


def test_a_clock_that_is_behind_lets_nothing_end_before_it_began() -> None:
    assert any(">10.0 s" in line for line in drawn(TAKEN_OVER, 140, now=-100))


def test_plain_characters_do_where_the_output_knows_no_others() -> None:
    assert "\n".join(drawn(TAKEN_OVER, 100, encoding="ascii")).isascii()


def test_thousands_of_steps_are_summed_up_but_for_the_first_the_last_and_the_slowest() -> None:
    steps = [(3.0 + n, "Step", f"page#{n}", {"seconds": 0.9 if n == 1000 else 0.5}) for n in range(2000)]
    events = trail(SUBMITTED, *STARTED, *steps)
    lines = drawn(events, 100)
    text = "\n".join(lines)
    assert len(lines) < 40
    for shown in ("step page#0 ", "step page#1000 ", "step page#1999 "):
        assert shown in text
    left_out = sum(int(line.split()[1].replace(",", "")) for line in lines if line.startswith("  … "))
    assert left_out + text.count("step page#") == 2000
    every = draw(waterfall(events), Console(width=100), at(60), shows_all=True)
    assert sum("step page#" in line.plain for line in every) == 2000


def test_names_of_others_are_printed_as_they_are() -> None:
    events = trail(SUBMITTED, *STARTED, (3, "Step", "[bold]\x1b[31m月次決算", {"seconds": 1}))
    text = "\n".join(drawn(events, 120))
    assert "step [bold]\ufffd[31m月次決算" in text


def test_nothing_is_drawn_of_no_events() -> None:
    assert drawn([], 80) == []
    assert Stretch("a", None, None).seconds == 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.0421, "42 ms"),
        (1.04, "1.0 s"),
        (119.9, "119.9 s"),
        (600, "10.0 min"),
        (9000, "2.5 h"),
    ],
)
def test_times_are_told_in_a_unit_for_people(seconds: float, text: str) -> None:
    assert span_of_time(seconds) == text
