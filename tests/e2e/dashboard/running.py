"""A stack with dashboards, each behind links that a test can cut."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.processes import ports
from deploy.servers import private
from tests.chaos.network import Network
from tests.chaos.proxy import Decide, Fault, Link
from tests.chaos.requests import Kind, Request
from tests.e2e.api import TERMINAL, Job
from tests.e2e.services import Service
from tests.e2e.stack import Stack
from tests.e2e.waiting import until

_KINDS = "sample_jobs,tests.e2e.jobs,tests.e2e.dashboard.jobs"


class Dashboard(Service):
    """A dashboard as a process. Its ways to the storage and to the publisher can be cut."""

    def __init__(self, name: str, stack: "DashboardStack", **settings: str) -> None:
        self._network = stack.network
        publisher = stack.network.reach(name, "publisher", stack.publisher.port)
        environment = {
            **stack.environment,
            **stack.network.environment(name),
            "TURNSTILE_URL": f"http://127.0.0.1:{publisher.port}",
            **{f"TURNSTILE_{setting.upper()}": value for setting, value in settings.items()},
        }
        super().__init__(name, "dashboard", environment, stack.folder)
        self._storage = stack.network.links([name], ["blob", "table"])
        self._publisher = [publisher]

    def wait_until_alive(self) -> None:
        """Wait until it answers, even without a storage."""
        until(lambda: ports.answers(self.port), 90, f"{self.name} to be alive")

    @property
    def storage_requests(self) -> int:
        """Number of requests that it has sent to the storage."""
        return sum(link.requests for link in self._storage)

    @property
    def publisher_requests(self) -> int:
        """Number of requests that it has sent to the publisher."""
        return sum(link.requests for link in self._publisher)

    @contextmanager
    def noting_requests(self) -> Iterator[list[str]]:
        """Note what it asks the storage for, as long as the context lasts."""
        noted: list[str] = []

        def note(request: Request, kind: Kind | None) -> Fault | None:
            noted.append(f"{request.target}\n{request.body.decode(errors='replace')}")
            return None

        def decide_by(link: Link, decide: Decide | None) -> None:
            link.decide = decide

        self._network.switch(self._storage, lambda link: decide_by(link, note))
        try:
            yield noted
        finally:
            self._network.switch(self._storage, lambda link: decide_by(link, None))

    def cut_storage(self) -> None:
        """Break its connections to the storage and refuse new ones."""
        self._network.switch(self._storage, Link.cut)

    def slow_storage(self, seconds: float) -> None:
        """Hold everything back for so long that is sent to the storage, or by it."""

        def slow(link: Link) -> None:
            link.delay = seconds

        self._network.switch(self._storage, slow)

    def cut_publisher(self) -> None:
        """Break its connections to the publisher and refuse new ones."""
        self._network.switch(self._publisher, Link.cut)

    def heal(self) -> None:
        """Let everything through again."""
        self._network.switch([*self._storage, *self._publisher], Link.heal)


class DashboardStack(Stack):
    """A stack that tests look at through dashboards. Workers that a test has hurt stay as they are."""

    def __init__(self, broker: private.RabbitMQ, storage: private.Azurite, folder: Path) -> None:
        more = {
            "TURNSTILE_JOBS": _KINDS,
            "TURNSTILE_CONCURRENCY": "2",
            "TURNSTILE_LONGEST_TENURE_SECONDS": "60",
        }
        super().__init__(broker, storage, folder, more)
        self.network = Network(broker, storage)
        self.dashboards: list[Dashboard] = []

    def dashboard(self, name: str = "dashboard", **settings: str) -> Dashboard:
        """Return a dashboard with these settings, which is yet to be started."""
        made = Dashboard(name, self, **settings)
        self.dashboards.append(made)
        return made

    def retire(self, dashboard: Dashboard) -> None:
        """End a dashboard for good."""
        assert dashboard.stop() == 0
        dashboard.close()
        self.dashboards.remove(dashboard)

    def services(self) -> Iterator[Service]:
        """Go through all services, dashboards and workers first."""
        yield from self.dashboards
        yield from super().services()

    def end_test(self, *, has_failed: bool) -> None:
        """Let everything through, and end what the test has begun; the gallery and its workers stay."""
        for dashboard in self.dashboards:
            dashboard.heal()
        left = [job for job in self.api.submitted if job.state()["status"] not in TERMINAL]
        for job in left:
            job.cancel()
        for job in left:
            job.wait_for_end()
        self.wait_until_projected(self.api.submitted)

    def wait_until_projected(self, ended: Iterable[Job]) -> None:
        """Wait until lists show the ends of jobs."""
        ids = {job.id for job in ended}
        until(lambda: not ids & set(self.records.active_jobs()), 90, "the ends of jobs to be projected")

    def close(self) -> None:
        """End everything."""
        super().close()
        self.network.close()


#: Makes a dashboard with a name and settings of its own, which is yet to be started.
MakeDashboard = Callable[..., Dashboard]
