"""The page Overview: whether all is well, and if not, where."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.unit.dashboard.runs import NOW, ago
from tests.unit.dashboard.shown import find, links, parts, text
from tests.unit.dashboard.test_statistics import event

from contracts.jobs import Event, Instance, JobError, JobSummary, Worker
from contracts.statuses import EventStatus, JobStatus
from coordination.journal.events import timestamp
from coordination.journal.rows import JobRow, LockRow
from dashboard.board.snapshot import LockState, Snapshot
from dashboard.board.statistics import Minute, Statistics
from dashboard.overview_page.charts import ended_chart, waits_chart
from dashboard.overview_page.events_card import events_card, fold
from dashboard.overview_page.failed_card import failed_card
from dashboard.overview_page.health import health_card, things_to_look_at
from dashboard.overview_page.tiles import tiles
from dashboard.palette import LIGHT
from dashboard.views.overview import lanes_to_show, sentence
from read_models.documents import Overlap


def worker(name: str, heard: float = 4, running: int = 0) -> Worker:
    seen_at = NOW - timedelta(seconds=heard)
    return Worker(worker=name, seen_at=seen_at, running=[f"job-{n}" for n in range(running)])


def instance(service: str, heard: float = 4, **details: Any) -> Instance:
    seen_at = NOW - timedelta(seconds=heard)
    return Instance(
        service=service, instance="one", seen_at=seen_at, started_at=seen_at, version="1", details=details
    )


def lock(
    name: str, *, worker: str = "w", waiting: int = 0, minutes: float = 0, freed: float = 0
) -> LockState:
    row = LockRow(
        name,
        fence=7,
        worker=worker,
        job_id=f"job of {name}" if minutes else "",
        started_at=timestamp(ago(minutes)) if minutes else "",
        freed_at=timestamp(ago(freed)) if freed else "",
    )
    line = [JobRow(f"j{n}", "k", name, queued_at=timestamp(ago(n + 1))) for n in range(waiting)]
    return LockState(name, row, None, line, waiting)


def snapshot(*locks: LockState, **more: Any) -> Snapshot:
    return Snapshot(read_at=NOW, locks={each.name: each for each in locks}, **more)


def minutes(*found: tuple[float, dict[EventStatus, int], list[float]]) -> Statistics:
    kept = [Minute(ago(at), dict(ended), list(waits)) for at, ended, waits in found]
    return Statistics(ago(60), kept)


def test_the_sentence_says_how_many_locks_are_busy_and_how_many_jobs_wait() -> None:
    busy = snapshot(lock("a", minutes=3, waiting=2), lock("b", minutes=1), lock("c", freed=5))
    assert text(sentence(busy)) == "2 of 3 locks used lately are busy , 2 jobs wait , the oldest for [for] ."
    assert text(sentence(snapshot(lock("a", minutes=3)))) == "1 of 1 lock used lately is busy , no job waits."
    assert text(sentence(snapshot(lock("a", freed=3)))) == "No lock is busy , no job waits."
    assert sentence(Snapshot()) == "The first numbers are being read."


def test_locks_with_silent_workers_come_first_then_long_lines_then_long_runs_then_free_ones() -> None:
    locks = [
        lock("long run", minutes=90),
        lock("short run", minutes=1),
        lock("line", minutes=2, waiting=5),
        lock("lost", minutes=1, worker="gone"),
        lock("free long ago", freed=500),
        lock("free lately", freed=5),
    ]
    workers = (worker("w"), worker("gone", 60))
    shown = [each.name for each in lanes_to_show(snapshot(*locks, workers=workers), NOW)]
    assert shown == ["lost", "line", "long run", "short run", "free lately"]


def test_no_more_than_twelve_locks_are_shown() -> None:
    locks = [lock(f"lock-{number:02d}", minutes=number + 1) for number in range(20)]
    assert [each.name for each in lanes_to_show(snapshot(*locks), NOW)] == [
        f"lock-{number:02d}" for number in range(19, 7, -1)
    ]


def test_tiles_count_and_lead_to_the_lists_that_they_count() -> None:
    known = snapshot(
        lock("a", minutes=3, waiting=2, worker="w1"),
        workers=(worker("w1"), worker("w2"), worker("w3", 60)),
        statistics=minutes(
            (10, {EventStatus.COMPLETED: 29, EventStatus.FAILED: 1}, [1.0, 2.0, 30.0]),
            (90, {EventStatus.COMPLETED: 500}, [900.0]),
        ),
        failed=(job(JobStatus.FAILED),),
        more_failed=True,
    )
    running, waiting, ended, waits, failed, overlaps = find(tiles(known, NOW), "a.tile")
    assert text(running) == "Running 1 on 1 of 2 workers"
    assert text(waiting) == "Waiting 2 oldest [for]"
    assert text(ended) == "Ended in the last hour 30 0.5 a minute"
    assert text(waits) == "Wait for the start, last hour 2.0 s median p95 30 s"
    assert text(failed) == "Failed in 24 h 1 or more failed or timed out"
    assert text(overlaps) == "Overlaps ever found 0 checked at every run"
    assert links(tiles(known, NOW)) == [
        ("jobs", {"state": "Running"}),
        ("jobs", {"state": "Queued"}),
        ("jobs", {}),
        ("jobs", {}),
        ("jobs", {"state": "Failed,TimedOut"}),
        ("proof", {}),
    ]


def test_a_number_that_is_not_of_the_whole_hour_is_marked_as_a_floor() -> None:
    statistics = replace(minutes((10, {EventStatus.COMPLETED: 7}, [])), since=ago(20))
    assert "7+" in text(find(tiles(snapshot(statistics=statistics), NOW), "a.tile")[2])


def test_an_overlap_is_red_and_leads_to_the_proof() -> None:
    found = snapshot(overlaps=(Overlap("ledger", 3, None),))
    tile = find(tiles(found, NOW), "a.tile")[5]
    assert text(tile) == "Overlaps ever found 1 the guarantee was broken"
    assert find(tile, "span.value.bad")


def test_steps_of_a_job_are_one_line_until_something_else_happens_to_it() -> None:
    events = [
        *(event(EventStatus.STEP, 50 - n, "a", 9 - n) for n in range(3)),
        event(EventStatus.STEP, 46, "b", 4),
        event(EventStatus.STARTED, 45, "a", 6),
        event(EventStatus.STEP, 44, "a", 5),
        event(EventStatus.STEP, 43, "b", 3),
    ]
    folded = [(line.event.job_id, line.event.seq, line.first.seq, line.count) for line in fold(events)]
    assert folded == [("a", 9, 7, 3), ("b", 4, 3, 2), ("a", 6, 6, 1), ("a", 5, 5, 1)]


def test_recent_events_say_what_happened_to_which_job() -> None:
    happened: list[Event] = [
        event(EventStatus.FAILED, 9, "a", 3, message="no such file"),
        event(EventStatus.STARTED, 8, "a", 2, fence=1042, worker="w1"),
        event(EventStatus.SUBMITTED, 7, "b", actor="maria"),
    ]
    card = events_card(happened, {"a": "<b>Close</b>"})
    said = [text(row) for row in find(card, "li")]
    assert said == [
        "[clock] Failed no such file <b>Close</b>",
        "[clock] Started attempt 1, fence 1,042, w1 <b>Close</b>",
        "[clock] Submitted by maria b",
    ]
    assert text(find(events_card([], {}), "p.empty")[0]) == "No event in the last hour."


def test_health_is_well_when_every_process_is_heard_and_the_trail_is_not_late() -> None:
    well = snapshot(
        workers=(worker("w1", running=2),),
        instances=(
            instance("audit-projector", behind_seconds=0.24),
            instance("scheduler", leads=True, repairs=1),
        ),
    )
    assert things_to_look_at(well, NOW) == []
    rows = [text(row) for row in find(health_card(well, NOW), "tr")][1:]
    assert rows == [
        "w1 alive [ago] 2 jobs",
        "audit-projector up to date [ago] 0.2 s behind",
        "scheduler sweeps [ago] 1 repair",
    ]


def test_health_names_what_needs_a_look() -> None:
    ill = snapshot(
        workers=(worker("w1", 60, running=1), worker("idle", 60)),
        instances=(instance("audit-projector", behind_seconds=95), instance("scheduler", 40, leads=True)),
    )
    assert things_to_look_at(ill, NOW) == [
        "w1 is silent, and ran jobs",
        "No worker is alive: no job starts",
        "No scheduler is alive: lost wake-ups and lost workers are found later",
        "The audit trail is 1 min 35 s behind",
    ]
    assert "4 things to look at" in text(health_card(ill, NOW))


def test_processes_that_were_stopped_in_order_need_no_look_as_long_as_others_are_alive() -> None:
    def stopped(process: Any) -> Any:
        return process.model_copy(update={"stopped_at": process.seen_at})

    found = snapshot(
        workers=(stopped(worker("s", 60, running=1)), worker("w1")),
        instances=(
            stopped(instance("scheduler", 60, leads=True)),
            instance("scheduler", leads=True).model_copy(update={"instance": "two"}),
            instance("audit-projector", behind_seconds=-0.0),
        ),
    )
    assert things_to_look_at(found, NOW) == []
    rows = [text(row) for row in find(health_card(found, NOW), "tr")][1:]
    assert rows == [
        "w1 alive [ago] idle",
        "s stopped [ago] 1 job",
        "scheduler sweeps [ago]",
        "audit-projector up to date [ago] 0.0 s behind",
        "scheduler stopped [ago]",
    ]


def test_a_projector_that_gets_no_messages_is_behind_although_it_does_not_know() -> None:
    waiting = lock("ledger", waiting=1)
    before = event(EventStatus.SUBMITTED, 0, timestamp_utc=ago(5))
    late = snapshot(
        waiting,
        workers=(worker("w1"),),
        instances=(instance("audit-projector", behind_seconds=0), instance("scheduler", leads=True)),
        events=(before,),
    )
    assert things_to_look_at(late, NOW) == ["The audit trail is 1 min 00 s behind"]
    assert "audit-projector late" in text(health_card(late, NOW))
    told = replace(late, events=(event(EventStatus.SUBMITTED, 0, timestamp_utc=ago(1)), before))
    assert things_to_look_at(told, NOW) == []


def test_instances_of_one_service_have_rows_of_their_own() -> None:
    two = snapshot(instances=(instance("scheduler", leads=True), instance("scheduler", 60, leads=True)))
    two = replace(two, instances=(two.instances[0], two.instances[1].model_copy(update={"instance": "two"})))
    keys = [parts(row)[1]["k"] for row in find(health_card(two, NOW), "tr")[1:]]
    assert keys == ["scheduler two", "scheduler one"]


def job(status: JobStatus, **more: Any) -> JobSummary:
    values: dict[str, Any] = {
        "job_id": "job-1",
        "kind": "close",
        "name": "Close of May",
        "lock": "ledger",
        "status": status,
        "priority": 5,
        "properties": {},
        "attempt": 1,
        "interruptions": 0,
        "fence": 3,
        "worker": "w1",
        "actor": "ann",
        "error": JobError(type="ValueError", message="baseline is missing"),
        "trace_id": None,
        "submitted_at": ago(20),
        "started_at": ago(19),
        "finished_at": ago(18),
    }
    return JobSummary(**(values | more))


def test_failed_jobs_are_listed_with_their_errors() -> None:
    jobs = tuple(job(JobStatus.TIMED_OUT, job_id=f"job-{n}") for n in range(7))
    card = failed_card(snapshot(failed=jobs))
    rows = find(card, "tr")[1:]
    assert len(rows) == 5
    assert text(rows[0]) == "Timed out Close of May ledger ValueError baseline is missing [ago]"
    assert text(find(card, "p.pad")[0]) == "and 2 more"
    assert text(find(failed_card(snapshot()), "p.pad")[0]) == "No job failed or timed out."


def test_what_ended_is_stacked_by_status() -> None:
    statistics = minutes((3, {EventStatus.FAILED: 1, EventStatus.COMPLETED: 4}, []))
    chart = ended_chart(statistics, NOW, LIGHT)
    assert chart is not None
    values = chart["layer"][0]["data"]["values"]
    assert [(one["state"], one["low"], one["high"], one["colour"]) for one in values] == [
        ("Completed", 0, 4, LIGHT.soft_green),
        ("Failed", 4, 5, LIGHT.red),
    ]
    assert ended_chart(Statistics(), NOW, LIGHT) is None


def test_waits_are_drawn_between_lines_that_go_by_tens() -> None:
    chart = waits_chart(minutes((3, {}, [0.02, 2.0, 70.0])), NOW, LIGHT)
    assert chart is not None
    layer = chart["layer"][0]
    values = layer["data"]["values"]
    known = [(one["part"], one["seconds"]) for one in values if one["seconds"] is not None]
    assert known == [("median", 2.0), ("p95", 70.0)]
    assert len(values) > len(known), "a line is broken where no job started"
    assert layer["encoding"]["y"]["scale"]["domain"] == [1, 600]
    assert waits_chart(Statistics(), NOW, LIGHT) is None
