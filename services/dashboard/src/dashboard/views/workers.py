"""The page of workers: what each runs and can run, which of them are silent, and the other services."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from contracts.heartbeats import Pulse, pulse
from contracts.jobs import Instance, Worker
from contracts.policies import DEFAULT_POOL
from dashboard import frame
from dashboard.board.snapshot import Snapshot
from dashboard.component import draw
from dashboard.fleet import Fleet, fleet
from dashboard.parts.chips import Look, chip
from dashboard.parts.durations import count, duration
from dashboard.parts.nodes import Node, ago, clock, copy_button, date, icon, link, node
from dashboard.site import Site
from dashboard.views import drain_dialog

#: Kinds and jobs that are named in a row; the others are folded.
_MOST_NAMED = 3

_GONE_SINCE = "stopped over an hour ago, or not heard for a day"

_LOOKS = {
    Pulse.ALIVE: Look("Alive", "favorite", "green"),
    Pulse.SILENT: Look("Silent", "heart_minus", "orange"),
    Pulse.STOPPED: Look("Stopped", "logout", "gray"),
    Pulse.GONE: Look("Gone", "logout", "gray"),
}


def show(site: Site) -> None:
    """Show the page."""

    def body(snapshot: Snapshot) -> None:
        if snapshot.read_at is None:
            frame.head("Workers", frame.NOTHING_READ)
            return
        now = snapshot.judged_at(site.clock.now())
        workers = fleet(snapshot.workers, now)
        frame.head("Workers", sentence(workers, now))
        drain_dialog.show(site, workers.present)
        draw("workers-list", workers_card(workers, snapshot.names, now))
        draw("workers-services", services_card(fleet(snapshot.instances, now), now))

    frame.show_page(site, body)


def sentence(workers: Fleet[Worker], now: datetime) -> Node:
    """Return the sentence that says whether the workers are well."""
    present = len(workers.present)
    if not present:
        is_known = workers.stopped or workers.gone
        none = "No worker is alive, so that jobs wait." if is_known else "No worker was ever heard."
        return node("span", none)
    running = sum(len(worker.running) for worker in workers.alive)
    capacity = sum(_capacity(worker) for worker in workers.alive)
    of = f" of {capacity:,}" if capacity else ""
    alive = node("b", f"{len(workers.alive)} of {present}")
    doing = " worker is alive and runs " if present == 1 else " workers are alive and run "
    jobs = " job." if running == 1 and not capacity else " jobs."
    parts: list[Node] = [alive, doing, node("b", f"{running:,}{of}"), jobs]
    if workers.silent:
        longest = workers.silent[0]
        silence = duration((now - longest.seen_at).total_seconds())
        parts += [" ", node("b", longest.worker), f" was last heard {silence} ago."]
    return node("span", *parts)


def workers_card(workers: Fleet[Worker], names: Mapping[str, str], now: datetime) -> Node:
    """Return the table of workers, or what to do when there are none."""
    if not workers.shown and not workers.gone:
        return _no_worker()
    body: list[Node | None] = [
        _table(workers.shown, lambda worker: _row(worker, names, now)) if workers.shown else None,
        _gone(workers.gone, lambda worker: _row(worker, names, now)),
    ]
    return node("section.card", *body, aria_label="Workers")


def services_card(services: Fleet[Instance], now: datetime) -> Node:
    """Return the table of schedulers and audit-projectors; nothing when none was ever heard."""
    if not services.shown and not services.gone:
        return node("div")
    head = _headings(Service=25, State=17, Last_heartbeat=18, What_it_says=40)
    rows = [_service_row(one, now) for one in services.shown]
    return node(
        "section.card",
        node("div.title", node("h2", "Scheduler and audit-projector")),
        node("table.cards-on-phone", head, node("tbody", *rows)),
        _gone_services(services.gone, now),
        aria_label="Services",
    )


def _no_worker() -> Node:
    command = "make up"
    return node(
        "section.card",
        node(
            "div.empty",
            node("p.what", "No worker was ever heard here."),
            node(
                "p",
                "Workers take jobs from their locks' lines and run them; each shows here once it is started.",
            ),
            node("p", node("code", command), copy_button(command, "the command")),
        ),
    )


def _table(workers: Sequence[Worker], row: Callable[[Worker], Node]) -> Node:
    head = _headings(Worker=20, State=15, Last_heartbeat=13, Runs=17, Leases=17, Kinds=8, Started=10)
    return node("table.cards-on-phone", head, node("tbody", *map(row, workers)))


def _headings(**widths: int) -> Node:
    """Return the headings, with their shares of the width: else what ticks would move the columns."""
    titles = {name.replace("_", " "): width for name, width in widths.items()}
    return node("thead", node("tr", *(node("th", title, scope="col", w=w) for title, w in titles.items())))


def _row(worker: Worker, names: Mapping[str, str], now: datetime) -> Node:
    about = worker.properties
    facts = [
        str(about["host"]) if "host" in about else "",
        f"process {about['pid']}" if "pid" in about else "",
    ]
    version = f"version {about['version']}" if "version" in about else ""
    second = ", ".join(fact for fact in (*facts, version) if fact)
    return node(
        "tr",
        node(
            "td",
            node("b", worker.worker),
            copy_button(worker.worker, "the name"),
            _second(second),
            *map(_second, _serves(worker)),
        ),
        node("td", _state(worker, now), *_drain(worker)),
        node("td", ago(worker.seen_at), node("small", clock(worker.seen_at))),
        node("td.wide", *_running(worker, names)),
        node("td.wide", *_leases(worker)),
        node("td.hide", *_kinds(worker.kinds)),
        node("td.hide", date(worker.started_at), node("small", clock(worker.started_at))),
        k=worker.worker,
    )


def _serves(worker: Worker) -> list[str]:
    """Return the pools, properties and limits of a worker, where it has others than most workers."""
    pools = "" if worker.pools == [DEFAULT_POOL] else f"pools: {', '.join(worker.pools)}"
    properties = ", ".join(f"{name}={value}" for name, value in worker.custom_properties.items())
    limits = ", ".join(f"{count(limit, 'job')} of {kind}" for kind, limit in worker.kind_limits.items())
    return [pools, properties, f"at most {limits}" if limits else ""]


def _state(process: Worker | Instance, now: datetime) -> Node:
    found = pulse(process, now)
    look = _LOOKS[found]
    if found is Pulse.ALIVE:
        return chip(look)
    if process.stopped_at is not None:
        return chip(_LOOKS[Pulse.STOPPED])
    return chip(look, f"{look.word} for {duration((now - process.seen_at).total_seconds())}")


def _drain(worker: Worker) -> list[Node]:
    """Return that a worker drains or is drained, and who said so; nothing when it may take jobs."""
    if worker.drain is None:
        return []
    look = Look("Drained", "block", "gray") if worker.is_drained else Look("Draining", "hourglass", "orange")
    reason = f": {worker.drain.reason}" if worker.drain.reason else ""
    return [chip(look), node("small", f"by {worker.drain.actor} ", ago(worker.drain.since), reason)]


def _running(worker: Worker, names: Mapping[str, str]) -> list[Node]:
    capacity = _capacity(worker)
    of = f" of {capacity}" if capacity else ""
    head = f"{len(worker.running)}{of} {'job' if (capacity or len(worker.running)) == 1 else 'jobs'}"
    links = [
        node("div", link("job", names.get(job_id, job_id), {"id": job_id}, title=job_id))
        for job_id in worker.running
    ]
    return [node("span.muted", head), *_folded(links, "job")]


def _leases(worker: Worker) -> list[Node]:
    # No ring that runs down: what a heartbeat says may be older than a lease is long.
    held = [
        node(
            "div",
            link("lock", lease.lock, {"lock": lease.lock}),
            node("small", f"fence {lease.fence:,}, renewed ", ago(lease.renewed_at)),
        )
        for lease in worker.leases
    ]
    return _folded(held, "lease") or [node("span.muted", "no lease")]


def _kinds(kinds: Sequence[str]) -> list[Node]:
    names = [node("div", node("code", kind)) for kind in kinds]
    if len(names) < _MOST_NAMED:
        return names or [node("span.muted", "no kind")]
    return [node("details", node("summary", count(len(names), "kind")), *names)]


def _folded(rows: Sequence[Node], noun: str) -> list[Node]:
    """Return the first rows, and the others behind a line that opens."""
    if len(rows) <= _MOST_NAMED + 1:
        return list(rows)
    rest = rows[_MOST_NAMED:]
    more = node("details", node("summary", count(len(rest), f"more {noun}")), *rest)
    return [*rows[:_MOST_NAMED], more]


def _gone(workers: Sequence[Worker], row: Callable[[Worker], Node]) -> Node | None:
    if not workers:
        return None
    noun = count(len(workers), "worker")
    return node(
        "details.pad",
        node("summary", f"{noun} {_GONE_SINCE}"),
        _table(workers[:200], row),
        node("p.muted", f"and {len(workers) - 200:,} more") if len(workers) > 200 else None,
    )


def _capacity(worker: Worker) -> int:
    found = worker.properties.get("concurrency")
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def _second(text: str) -> Node | None:
    return node("small", text) if text else None


def _service_row(one: Instance, now: datetime) -> Node:
    return node(
        "tr",
        node(
            "td",
            node("b", one.service),
            _second(", ".join(part for part in (one.instance, f"version {one.version}") if part)),
        ),
        node("td", _state(one, now)),
        node("td", ago(one.seen_at), node("small", clock(one.seen_at))),
        node("td.wide", *_details(one)),
        k=f"{one.service} {one.instance}",
    )


def _details(one: Instance) -> list[Node]:
    """Return what a service says of itself, in words where they are known."""
    details = dict(one.details)
    found: list[Node] = []
    if "leads" in details:
        leads = details.pop("leads") is True
        found.append(node("div", "on duty" if leads else "waits until the one on duty is gone"))
    if "behind_seconds" in details:
        behind = details.pop("behind_seconds")
        seconds = float(behind) if isinstance(behind, int | float) else 0.0
        said = f"{duration(seconds)} behind" if seconds >= 0.05 else "up to date"
        late = node("span.warn", said) if seconds >= 10 else said
        found.append(node("div", icon("warning") if seconds >= 10 else None, late))
    for name, word in (("swept_at", "swept"), ("projected_at", "projected")):
        moment = _moment(details.pop(name, None))
        if moment is not None:
            found.append(node("div", f"{word} ", ago(moment)))
    if "repairs" in details:
        repairs = details.pop("repairs")
        number = repairs if isinstance(repairs, int) else 0
        found.append(node("div.muted", f"{count(number, 'repair')} since its start"))
    return found + [node("div.muted", f"{name}: {value}") for name, value in details.items()]


def _moment(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value)) if value else None
    except ValueError:
        return None


def _gone_services(services: Sequence[Instance], now: datetime) -> Node | None:
    if not services:
        return None
    rows = [_service_row(one, now) for one in services[:200]]
    summary = node("summary", f"{count(len(services), 'instance')} {_GONE_SINCE}")
    return node("details.pad", summary, node("table.cards-on-phone", node("tbody", *rows)))
