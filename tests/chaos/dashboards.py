"""Case: the dashboard loses its storage, its publisher and its process, and RabbitMQ is away."""

import asyncio
import http.client
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from deploy.processes import ports
from loadtest.viewer import Viewer
from tests.chaos.case import Case
from tests.chaos.proxy import Link
from tests.chaos.readings import Readings
from tests.chaos.verdict import Verdict
from tests.e2e.api import TERMINAL
from tests.e2e.services import Service
from tests.e2e.waiting import until

from dashboard.bulk import BulkAction, Chosen, Done
from dashboard.publisher_api import PublisherApi

_NOTE = "The storage does not answer"

#: Seconds until a page says what is away, and until it is as before; the dashboard tries every 5 s.
_NOTICED_SECONDS = 120.0

_STORAGE = ("blob", "table")

#: Jobs that are cancelled together.
_TOGETHER = 12


class Dashboards(Case):
    name = "dashboard"

    def play(self) -> None:
        stack = self.stack
        publisher = stack.network.reach("dashboard", "publisher", stack.publisher.port)
        way = {"TURNSTILE_URL": f"http://127.0.0.1:{publisher.port}"}
        self._dashboard = stack._service("dashboard", "dashboard", way)
        self._storage = stack.network.links(["dashboard"], _STORAGE)
        others = list(stack.services())
        pids = {service.name: service.pid for service in others}
        try:
            with (
                self.load(None, 20, _errand, budget=self.steady(2 * _TOGETHER)) as load,
                self._viewer() as viewer,
            ):
                self._without_storage_at_start(viewer)
                self._without_storage(viewer)
                self._without_publisher(publisher)
                self._killed(viewer)
                self._without_broker(viewer, others)
                load.stop()
            self.expect(not viewer.exceptions, f"pages showed exceptions: {viewer.exceptions[:3]}")
            self.expect(
                pids == {service.name: service.pid for service in others}, "another service was started again"
            )
        finally:
            self._dashboard.close()

    # --- what is away -------------------------------------------------------------

    def _without_storage_at_start(self, viewer: Viewer) -> None:
        self.stack.network.switch(self._storage, Link.cut)
        self._dashboard.launch()
        until(lambda: ports.answers(self._dashboard.port), 60, "the dashboard to listen")
        self._see_note(viewer)
        self.stack.network.switch(self._storage, Link.heal)
        self._see_well(viewer, "storage at the start")

    def _without_storage(self, viewer: Viewer) -> None:
        self.stack.network.switch(self._storage, Link.cut)
        self._see_note(viewer)
        self.stack.network.switch(self._storage, Link.heal)
        self._see_well(viewer, "storage in the middle")

    def _without_publisher(self, link: Link) -> None:
        """Cancel jobs together, lose the publisher in the middle, and cancel the rest later."""
        chosen = [Chosen(job, "", "", self.accepted[job].lock) for job in self._active()[:_TOGETHER]]
        for one in chosen:
            self.accepted[one.job_id] = replace(self.accepted[one.job_id], is_cancelled=True)
        api = PublisherApi(f"http://127.0.0.1:{link.port}")
        cut = threading.Event()

        def cancel(one: Chosen) -> Done:
            api.cancel(one.job_id, "chaos")
            if not cut.is_set():
                cut.set()
                self.stack.network.switch([link], Link.cut)
            return Done()

        action = BulkAction(chosen, cancel)
        action.start()
        action.wait(30)
        half = action.standing
        self.expect(
            bool(half.away), "a bulk cancellation went on without a publisher, or stopped without a reason"
        )
        self.expect(
            len(half.done) + len(half.refused) + len(half.left) == len(chosen), f"jobs were lost: {half}"
        )
        self.stack.network.switch([link], Link.heal)
        action.start()
        action.wait(30)
        self.expect(action.standing.is_complete, f"the rest was not cancelled: {action.standing}")
        api.close()
        self.figures["cancelled"] = {
            "before": len(half.done),
            "together": len(action.standing.done),
            "refused": len(action.standing.refused),
        }
        self.expect(self._dashboard.is_ready, "the dashboard was not ready while the publisher was away")
        self.say(f"{len(half.done)} of {len(chosen)} jobs cancelled without the publisher, then the rest")

    def _killed(self, viewer: Viewer) -> None:
        connections = viewer.connections
        self._dashboard.kill()
        self._dashboard.launch()
        until(lambda: viewer.connections > connections, _NOTICED_SECONDS, "the viewer to be back")
        self._see_well(viewer, "process")

    def _without_broker(self, viewer: Viewer, others: Sequence[Service]) -> None:
        links = self.stack.network.links([service.name for service in others], ["amqp"])
        self.stack.network.switch(links, Link.cut)
        seen = viewer.refreshed_at
        until(lambda: viewer.refreshed_at > seen + 2, _NOTICED_SECONDS, "pages to refresh without RabbitMQ")
        self.expect(self._dashboard.is_ready, "the dashboard was not ready without RabbitMQ")
        self.expect(_NOTE not in viewer.text, "without RabbitMQ, the dashboard says that the storage is away")
        self.stack.network.switch(links, Link.heal)
        self.say("RabbitMQ was away")

    # --- what is seen ---------------------------------------------------------------

    def _see_note(self, viewer: Viewer) -> None:
        until(lambda: _NOTE in viewer.text, _NOTICED_SECONDS, "the page to say that the storage is away")
        self.expect(viewer.text.count(_NOTE) == 1, "the page says more than once that the storage is away")
        status, text = self._health("/health/ready")
        self.expect(
            status == 503 and "storage" in text, f"not ready without storage is answered {status}: {text}"
        )
        status, text = self._health("/health/live")
        self.expect(status == 200, f"alive without storage is answered {status}: {text}")

    def _see_well(self, viewer: Viewer, what: str) -> None:
        began = time.monotonic()
        until(lambda: self._dashboard.is_ready, _NOTICED_SECONDS, "the dashboard to be ready again")
        until(
            lambda: _NOTE not in viewer.text and "locks" in viewer.text and viewer.refreshed_at > began,
            _NOTICED_SECONDS,
            "the page to be as before",
        )
        after = self.figures.setdefault("well_after", {})
        after[what] = round(time.monotonic() - began, 1)
        self.say(f"{what}: the page is well again")

    def _health(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._dashboard.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def _active(self) -> list[str]:
        found: list[str] = []

        def is_enough() -> bool:
            found[:] = [job for job in self.stack.active_jobs() if job in self.accepted]
            return len(found) >= _TOGETHER

        until(is_enough, 60, "jobs to cancel")
        return found

    @contextmanager
    def _viewer(self) -> Iterator[Viewer]:
        """Keep the Overview open in a thread of its own, which comes back by itself."""
        viewer, is_over = Viewer(self._dashboard.url), threading.Event()

        async def watch() -> None:
            watching = asyncio.create_task(viewer.run())
            await asyncio.to_thread(is_over.wait)
            if watching.done():
                self.wrong.append(f"the viewer ended: {watching.exception()!r}")
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

        thread = threading.Thread(target=asyncio.run, args=(watch(),), name="viewer", daemon=True)
        thread.start()
        try:
            yield viewer
        finally:
            is_over.set()
            thread.join(20)

    # --- in the end -----------------------------------------------------------------

    def assess(self, verdict: Verdict) -> None:
        """Compare what pages read with the journal."""
        ends = {
            event.job_id: event.status
            for events in verdict.journals.values()
            for event in events
            if event.status in TERMINAL
        }
        with Readings(self.stack.azurite.connection_string, self.stack.namespace) as readings:
            wrong = readings.contradictions({job: ends.get(job, "") for job in self.accepted})
        self.wrong += wrong[:20]
        self.figures["compared_with_journal"] = len(self.accepted)


def _errand(chance):
    return {"steps": 3, "seconds": round(chance.uniform(0.1, 0.5), 2)}
