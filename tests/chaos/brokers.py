"""Case: RabbitMQ is killed, restarted in order, and its queues are emptied."""

import time
from collections import Counter
from functools import partial

from tests.chaos.case import Case
from tests.chaos.proxy import Link
from tests.chaos.verdict import Verdict
from tests.e2e.waiting import until

_FAULTS = ("killed", "restarted", "purged")
_FIRST_JOBS = 10
_UP_SECONDS = 4.0


class Broker(Case):
    name = "broker"
    patience = 150.0

    def play(self) -> None:
        broker = self.stack.rabbitmq
        self._lost: Counter[str] = Counter()
        with self.load(None, 5, _errand) as load:
            until(lambda: len(self.accepted) > _FIRST_JOBS, 30, "the first jobs")
            for number in range(self.sizes.broker_faults * len(_FAULTS)):
                match _FAULTS[number % len(_FAULTS)]:
                    case "killed":
                        broker.kill()
                        time.sleep(self.chance.uniform(0, 2))
                        broker.start()
                    case "restarted":
                        broker.stop()
                        time.sleep(self.chance.uniform(0, 2))
                        broker.start()
                    case _:
                        self._purge()
                time.sleep(_UP_SECONDS)
                self.say(f"{_FAULTS[number % len(_FAULTS)]}; {len(self.accepted)} jobs accepted")
            load.stop()

    def _purge(self) -> None:
        """Empty queues that have messages in them, while no service consumes them."""
        stack, names = self.stack, self.stack.broker.topology
        consumers = [stack.projector.name, *(worker.name for worker in stack.workers)]
        links = stack.network.links(consumers, ["amqp"])
        stack.network.switch(links, Link.cut)
        for what, queue in (("wake_ups", names.jobs_queue), ("events", names.projector_queue)):
            self._lost[what] += until(partial(stack.broker.purge, queue), 30, f"{what} to lose")
        stack.network.switch(links, Link.heal)

    def assess(self, verdict: Verdict) -> None:
        self.figures |= dict.fromkeys(_FAULTS, self.sizes.broker_faults)
        self.figures["messages_lost"] = dict(self._lost)


def _errand(chance):
    return {"steps": 2, "seconds": round(chance.uniform(0.05, 0.4), 2)}
