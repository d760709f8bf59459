"""Case: audit-projector and scheduler are killed, and the publisher, too."""

import signal
import time

from tests.chaos.case import Case
from tests.e2e.services import Service
from tests.e2e.waiting import until


class Bystanders(Case):
    name = "bystanders"

    def play(self) -> None:
        stack = self.stack
        victims = [stack.projector, stack.scheduler, stack.publisher] * self.sizes.bystander_kills
        self.chance.shuffle(victims)
        with self.load(None, 5, _errand) as load:
            for victim in victims:
                time.sleep(self.chance.uniform(0.5, 2.0))
                self._wait_for(victim)
                victim.signal(signal.SIGKILL)
                self.say(f"{victim.name} killed, {len(self.accepted)} jobs accepted")
            time.sleep(1)
            load.stop()
        self.figures |= {
            service.name: victims.count(service)
            for service in (stack.projector, stack.scheduler, stack.publisher)
        }

    def _wait_for(self, service: Service) -> None:
        until(lambda: service.is_ready, 60, f"{service.name} to be back")


def _errand(chance):
    return {"steps": 3, "seconds": round(chance.uniform(0.05, 0.3), 2)}
