"""Case: the scheduler's clock is moved by an hour, to and fro, while wake-ups are lost."""

import shutil
import signal
import time
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path

import httpx
from deploy.servers.installation import ensure_faketime
from tests.chaos.case import Case
from tests.chaos.proxy import Link
from tests.e2e.services import Service
from tests.e2e.waiting import until

#: Seconds.
_MOVES = (3600, -3600)

#: By how much a clock may seem off: it is sent in whole seconds, and read now and then.
_UNSURE_SECONDS = 10.0

#: Within which a lost wake-up is repaired, independent of the scheduler's clock.
_SWEPT_SECONDS = 45.0


class Clocks(Case):
    name = "clocks"

    def play(self) -> None:
        scheduler = self.stack.scheduler
        dial = self.folder / "scheduler-clock"
        _turn(dial, 0)
        self.stack.restarter.spared.add(scheduler.name)
        self._restart(scheduler, _faked(dial))
        try:
            for number in range(self.sizes.clock_moves):
                ahead = _MOVES[number % len(_MOVES)]
                _turn(dial, ahead)
                until(partial(is_ahead, scheduler.url, ahead), 10, f"a clock that is {ahead:+d} s ahead")
                self._lose_wake_ups()
                self.say(f"clock {ahead:+d} s: all jobs without a wake-up have ended")
        finally:
            self._restart(scheduler, dict.fromkeys(_faked(dial)))
            self.stack.restarter.spared.discard(scheduler.name)
        self.figures["clock_moves"] = self.sizes.clock_moves

    def _lose_wake_ups(self) -> None:
        """Submit jobs whose wake-ups are lost: only the scheduler can notify the workers."""
        names = [worker.name for worker in self.stack.workers]
        links = self.stack.network.links(names, ["amqp"])
        self.stack.network.switch(links, Link.cut)
        with self.load(15, 20, _errand) as load:
            load.wait()
        purged = self.stack.broker.purge(self.stack.broker.topology.jobs_queue)
        self.stack.network.switch(links, Link.heal)
        self.expect(purged > 0, "no wake-up was lost: this has shown nothing")
        self.figures["wake_ups_lost"] = self.figures.get("wake_ups_lost", 0) + purged
        until(lambda: not self.stack.records.active_jobs(), _SWEPT_SECONDS, "jobs without a wake-up to end")

    def _restart(self, service: Service, environment: dict[str, str | None]) -> None:
        service.signal(signal.SIGKILL)
        service.popen.wait()
        for name, value in environment.items():
            if value is None:
                service.environment.pop(name, None)
            else:
                service.environment[name] = value
        service.start()


def _faked(dial: Path) -> dict[str, str | None]:
    """Return the environment of a process whose clock shows what the dial says; sleeps stay as they are."""
    ensure_faketime()
    program = shutil.which("faketime")
    assert program is not None
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(dial),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def _turn(dial: Path, ahead: int) -> None:
    fresh = dial.with_suffix(".new")
    fresh.write_text(f"{ahead:+d}\n")
    fresh.replace(dial)


def is_ahead(url: str, ahead: float) -> bool:
    """Return whether a service's clock is `ahead` seconds before ours, by the date in its answers."""
    date = httpx.get(f"{url}/health/live").headers["date"]
    return abs(parsedate_to_datetime(date).timestamp() - time.time() - ahead) < _UNSURE_SECONDS


def _errand(chance):
    return {"steps": 2, "seconds": 0.05}
