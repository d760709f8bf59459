"""Case: RabbitMQ is killed, restarted in order, and its queues are emptied."""

import time

from tests.chaos.case import Case
from tests.chaos.verdict import Verdict
from tests.e2e.waiting import until

_FAULTS = ("killed", "restarted", "purged")
_FIRST_JOBS = 10
_UP_SECONDS = 4.0


class Broker(Case):
    name = "broker"
    patience = 150.0

    def play(self) -> None:
        broker, names = self.town.rabbitmq, self.town.broker.topology
        self.purged = 0
        with self.load(None, 5, _errand) as load:
            until(lambda: len(self.accepted) > _FIRST_JOBS, 30, "the first jobs")
            for number in range(self.sizes.broker_faults * len(_FAULTS)):
                match _FAULTS[number % len(_FAULTS)]:
                    case "killed":
                        broker.kill()
                        time.sleep(self.dice.uniform(0, 2))
                        broker.start()
                    case "restarted":
                        broker.stop()
                        time.sleep(self.dice.uniform(0, 2))
                        broker.start()
                    case _:
                        queues = (names.jobs_queue, names.projector_queue)
                        self.purged += sum(self.town.broker.purge(queue) for queue in queues)
                time.sleep(_UP_SECONDS)
                self.say(f"{_FAULTS[number % len(_FAULTS)]}; {len(self.accepted)} jobs accepted")
            load.stop()

    def assess(self, verdict: Verdict) -> None:
        self.figures |= dict.fromkeys(_FAULTS, self.sizes.broker_faults)
        self.figures["messages_purged"] = self.purged


def _errand(dice):
    return {"steps": 2, "seconds": round(dice.uniform(0.05, 0.4), 2)}
