"""Case: audit-projector and scheduler are killed, and the publisher, too."""

import signal
import time

from tests.chaos.case import Case


class Bystanders(Case):
    name = "bystanders"

    def play(self) -> None:
        town = self.town
        victims = [town.projector, town.scheduler, town.publisher] * self.sizes.bystander_kills
        self.dice.shuffle(victims)
        with self.load(None, 5, _errand) as load:
            for victim in victims:
                time.sleep(self.dice.uniform(0.5, 2.0))
                victim.wait_until_ready(60)
                victim.signal(signal.SIGKILL)
                self.say(f"{victim.name} killed, {len(self.accepted)} jobs accepted")
            time.sleep(1)
            load.stop()
        self.figures |= {
            service.name: victims.count(service)
            for service in (town.projector, town.scheduler, town.publisher)
        }


def _errand(dice):
    return {"steps": 3, "seconds": round(dice.uniform(0.05, 0.3), 2)}
