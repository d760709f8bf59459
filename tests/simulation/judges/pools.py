"""Where jobs run: on a worker of their pool, and, where they want a property, on one that has it."""

import json
from collections.abc import Callable, Mapping, Sequence

from tests.simulation.judges.writes import Tell, Write

from contracts.policies import DEFAULT_POOL
from contracts.statuses import EventStatus


class Pools:
    """Compares each start with what its worker serves; that is asked of the world, not of the event."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self.served: Callable[[str], Sequence[str]] = lambda _: (DEFAULT_POOL,)
        self.properties: Callable[[str], Mapping[str, str]] = lambda _: {}
        #: Pool, and what the worker's property must be, of each job.
        self._wanted: dict[str, tuple[str, str | None]] = {}
        #: Number of starts that only some workers could make.
        self.starts = 0

    def see(self, write: Write) -> None:
        """Judge the submissions and the start of a transaction."""
        for event in write.events:
            if event.status == EventStatus.SUBMITTED:
                data = json.loads(event.data)
                wanted = data["properties"].get("tier") if data.get("distribution") else None
                self._wanted[event.job_id] = data.get("pool", DEFAULT_POOL), wanted
        if write.started is None:
            return
        event = write.started
        worker, job_id = str(event.worker), event.job_id
        pool, wanted = self._wanted[job_id]
        served = self.served(worker)
        self.starts += pool != DEFAULT_POOL or wanted is not None
        if pool not in served:
            self._tell("pools", f"{job_id} of pool {pool} was started on {worker}, which serves {served}")
        said = json.loads(event.data).get("pools", [DEFAULT_POOL])
        if said != list(served):
            self._tell("pools", f"{worker} serves {served}, and its start of {job_id} says {said}")
        if wanted is not None and self.properties(worker.partition(".")[0]).get("machine") != wanted:
            self._tell("pools", f"{job_id} wants machine={wanted}, and was started on {worker}")
