"""What the page of workers draws."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.unit.dashboard.shown import find, joined, links

from contracts.jobs import Drain, HeldLease, Instance, Worker
from dashboard.fleet import fleet
from dashboard.views import drain_dialog
from dashboard.views.workers import sentence, services_card, workers_card

NOW = datetime(2026, 11, 29, 14, tzinfo=UTC)


def worker(name: str, seconds: float = 1, **more: Any) -> Worker:
    about = {"host": "vm", "pid": 7, "version": "0.1.0", "concurrency": 2}
    seen = NOW - timedelta(seconds=seconds)
    return Worker(
        worker=name, seen_at=seen, started_at=NOW - timedelta(hours=1), **{"properties": about, **more}
    )


def instance(service: str, seconds: float = 1, **details: Any) -> Instance:
    return Instance(
        service=service,
        instance=f"{service}-1",
        seen_at=NOW - timedelta(seconds=seconds),
        started_at=NOW,
        version="0.1.0",
        details=details,
    )


def test_the_sentence_counts_and_names_the_worker_that_is_silent_longest() -> None:
    workers = fleet([worker("a", running=["j1"]), worker("b", 90), worker("c", 400), worker("d")], NOW)
    assert joined(sentence(workers, NOW)) == (
        "2 of 4 workers are alive and run 1 of 4 jobs. c was last heard 6 min 40 s ago."
    )


def test_the_sentence_without_workers() -> None:
    assert joined(sentence(fleet([], NOW), NOW)) == "No worker was ever heard."
    assert (
        joined(sentence(fleet([worker("a", 90_000)], NOW), NOW)) == "No worker is alive, so that jobs wait."
    )
    assert joined(sentence(fleet([worker("a", properties={})], NOW), NOW)) == (
        "1 of 1 worker is alive and runs 0 jobs."
    )
    assert joined(sentence(fleet([worker("a", running=["j"], properties={})], NOW), NOW)) == (
        "1 of 1 worker is alive and runs 1 job."
    )


def test_a_worker_is_described_with_links_to_its_jobs_and_locks() -> None:
    lease = HeldLease(lock="<b>x</b>", fence=1042, renewed_at=NOW, seconds=30)
    busy = worker("w1", running=["job-1", "job-2"], leases=[lease], kinds=["k1", "k2", "k3"])
    card = workers_card(fleet([busy], NOW), {"job-1": "Close <i>"}, NOW)
    assert links(card) == [
        ("job", {"id": "job-1"}),
        ("job", {"id": "job-2"}),
        ("lock", {"lock": "<b>x</b>"}),
    ]
    assert [joined(each) for each in find(card, "a")] == ["Close <i>", "job-2", "<b>x</b>"]
    for part in ("w1", "vm, process 7, version 0.1.0", "Alive", "2 of 2 jobs", "fence 1,042", "3 kinds"):
        assert part in joined(card)


def test_the_silent_ones_come_first_and_the_gone_ones_are_folded() -> None:
    card = workers_card(fleet([worker("a"), worker("gone", 100_000), worker("b", 61)], NOW), {}, NOW)
    rows = [joined(row) for row in find(card, "tr") if "vm" in joined(row)]
    assert [row.split("vm")[0] for row in rows] == ["b", "a", "gone"]
    assert "Silent for 1 min 01 s" in rows[0]
    [folded] = list(find(card, "details.pad"))
    assert "1 worker stopped over an hour ago, or not heard for a day" in joined(folded)
    assert rows[2] in joined(folded)
    assert "Gone for 1 d 3 h" in rows[2]


def test_a_worker_that_was_stopped_in_order_is_shown_last_and_counts_for_nothing() -> None:
    def stopped(name: str, seconds: float) -> Worker:
        return worker(name, seconds, stopped_at=NOW - timedelta(seconds=seconds))

    others = [worker("a", running=["j"]), worker("b", 61)]
    workers = fleet([stopped("old", 3600), stopped("s", 90), *others], NOW)
    assert joined(sentence(workers, NOW)) == (
        "1 of 2 workers are alive and run 1 of 2 jobs. b was last heard 1 min 01 s ago."
    )
    card = workers_card(workers, {}, NOW)
    rows = [joined(row) for row in find(card, "tr") if "vm" in joined(row)]
    assert [row.split("vm")[0] for row in rows] == ["b", "a", "s", "old"]
    assert ["Stopped" in row for row in rows] == [False, False, True, True]
    assert "Silent" not in rows[2]
    [folded] = list(find(card, "details.pad"))
    assert (rows[2] in joined(folded), rows[3] in joined(folded)) == (False, True)


def test_workers_that_were_all_stopped_are_shown_and_jobs_wait() -> None:
    workers = fleet([worker("a", stopped_at=NOW - timedelta(seconds=1))], NOW)
    assert joined(sentence(workers, NOW)) == "No worker is alive, so that jobs wait."
    assert "Stopped" in joined(workers_card(workers, {}, NOW))


def test_a_service_that_was_stopped_in_order_is_not_silent() -> None:
    stopped = instance("scheduler", 600).model_copy(update={"stopped_at": NOW - timedelta(minutes=10)})
    [_, row] = [joined(row) for row in find(services_card(fleet([stopped], NOW), NOW), "tr")]
    assert "Stopped" in row
    assert "Silent" not in row


def test_long_lists_are_folded() -> None:
    busy = worker("w1", running=[f"job-{number}" for number in range(10)])
    card = workers_card(fleet([busy], NOW), {}, NOW)
    assert len(links(card)) == 10
    [fold] = list(find(card, "details"))
    assert (len(links(fold)), "7 more jobs" in joined(fold)) == (7, True)


def test_a_thousand_workers_that_are_gone_do_not_make_the_page_huge() -> None:
    card = workers_card(fleet([worker(f"w{n}", 100_000) for n in range(1000)], NOW), {}, NOW)
    assert len(list(find(card, "tr"))) == 201
    assert "and 800 more" in joined(card)


def test_without_workers_it_says_what_to_do() -> None:
    card = workers_card(fleet([], NOW), {}, NOW)
    assert "make up" in joined(card)
    assert "No worker was ever heard here." in joined(card)


def test_the_services_say_what_they_do() -> None:
    swept = (NOW - timedelta(seconds=3)).isoformat()
    services = fleet(
        [
            instance("scheduler", leads=True, swept_at=swept, repairs=2),
            instance("scheduler", 40, leads=False, swept_at=None, repairs=0),
            instance("audit-projector", behind_seconds=0.05, projected_at="nonsense", more="<b>"),
            instance("audit-projector", behind_seconds=75),
        ],
        NOW,
    )
    rows = [joined(row) for row in find(services_card(services, NOW), "tr")][1:]
    assert "Silent for 40 s" in rows[0]
    assert "waits until the one on duty is gone" in rows[0]
    assert "on dutyswept " in rows[1]
    assert "2 repairs since its start" in rows[1]
    assert "50 ms behind" in rows[2]
    assert "more: <b>" in rows[2]
    assert "warning1 min 15 s behind" in rows[3]


def test_without_services_there_is_no_card() -> None:
    assert services_card(fleet([], NOW), NOW) == ["div", {}]


def test_a_worker_that_drains_says_so_who_said_it_and_why_and_when_it_runs_nothing_more() -> None:
    drain = Drain(since=NOW - timedelta(minutes=2), actor="maria", reason="update")
    busy = worker("w1", running=["job-1"], drain=drain, takes_jobs=False)
    shown = joined(workers_card(fleet([busy], NOW), {}, NOW))
    assert "Draining" in shown
    assert "by maria" in shown
    assert ": update" in shown
    idle = worker("w1", drain=drain, takes_jobs=False)
    assert "Drained" in joined(workers_card(fleet([idle], NOW), {}, NOW))
    told = worker("w1", drain=drain)
    assert "Draining" in joined(workers_card(fleet([told], NOW), {}, NOW))
    assert "Drain" not in joined(workers_card(fleet([worker("w1")], NOW), {}, NOW))


def test_the_dialog_names_what_follows_from_the_order() -> None:
    busy = worker("w1", running=["job-1", "job-2"])
    assert "It ends the 2 jobs that it runs." in joined(drain_dialog.consequences(busy))
    assert "It runs no job now." in joined(drain_dialog.consequences(worker("w1")))
    drain = Drain(since=NOW, actor="maria")
    told = worker("w1", drain=drain)
    assert joined(drain_dialog.consequences(told)) == "It takes new jobs again from its next heartbeat on."
    idle = worker("w1", drain=drain, takes_jobs=False)
    labels = [drain_dialog.label(one) for one in (busy, told, idle)]
    assert labels == ["w1", "w1 (draining)", "w1 (drained)"]


def test_a_worker_shows_its_pools_properties_and_limits() -> None:
    placed = worker(
        "w1", pools=["default", "gpu"], custom_properties={"machine": "premium"}, kind_limits={"import": 1}
    )
    card = joined(workers_card(fleet([placed], NOW), {}, NOW))
    for said in ("pools: default, gpu", "machine=premium", "at most 1 job of import"):
        assert said in card
    assert "pools:" not in joined(workers_card(fleet([worker("w1")], NOW), {}, NOW))
