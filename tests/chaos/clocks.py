"""Case: the scheduler's clock is moved by an hour, to and fro, while doorbells are lost."""

import shutil
import signal
import time
from pathlib import Path

from deploy.install_servers import ensure_faketime
from tests.chaos.case import Case
from tests.e2e.services import Service
from tests.e2e.waiting import until

_MOVES = ("+3600", "-3600")

#: Within which a lost doorbell is made good, whatever the scheduler's clock says.
_SWEPT_SECONDS = 45.0


class Clocks(Case):
    name = "clocks"

    def play(self) -> None:
        scheduler = self.town.scheduler
        dial = self.folder / "scheduler-clock"
        _turn(dial, "+0")
        self.town.warden.spared.add(scheduler.name)
        self._restart(scheduler, _faked(dial))
        try:
            for number in range(self.sizes.clock_moves):
                _turn(dial, _MOVES[number % len(_MOVES)])
                self._lose_doorbells()
                self.say(f"clock {_MOVES[number % len(_MOVES)]} s: all jobs without a doorbell have ended")
        finally:
            _turn(dial, "+0")
            self._restart(scheduler, dict.fromkeys(_faked(dial)))
            self.town.warden.spared.discard(scheduler.name)
        self.figures["clock_moves"] = self.sizes.clock_moves

    def _lose_doorbells(self) -> None:
        """Have jobs whose doorbells nobody hears: only the scheduler can tell the workers."""
        names = [worker.name for worker in self.town.workers]
        links = self.town.network.links(names, ["amqp"])
        self.town.network.switch(links, lambda link: link.freeze())
        with self.load(15, 20, _errand) as load:
            load.wait()
        purged = self.town.broker.purge(self.town.broker.topology.jobs_queue)
        self.town.network.switch(links, lambda link: link.cut())
        self.town.network.switch(links, lambda link: link.heal())
        self.figures["doorbells_lost"] = self.figures.get("doorbells_lost", 0) + purged
        until(lambda: not self.town.records.active_jobs(), _SWEPT_SECONDS, "jobs without a doorbell to end")

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
    """Give the environment of a process whose clock shows what the dial says; its sleeps stay as they are."""
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


def _turn(dial: Path, offset: str) -> None:
    fresh = dial.with_suffix(".new")
    fresh.write_text(f"{offset}\n")
    fresh.replace(dial)
    # What was read is used for a second.
    time.sleep(1.1)


def _errand(dice):
    return {"steps": 2, "seconds": 0.05}
