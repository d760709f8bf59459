"""The read models in memory, which a projector reaches over the network: each call acts at one instant."""

from collections.abc import Callable
from typing import TypeVar

from tests.simulation.network import Network

from contracts.jobs import JobSummary
from coordination.testing.faults import Calls
from read_models.documents import Watermark
from read_models.memory import InMemoryReadModels

AnswerT = TypeVar("AnswerT")


class _BesideTheJournal(Calls):
    """Calls to tables that are where the journal is, and go away with it."""

    def __init__(self, network: Network) -> None:
        super().__init__(None)
        self._network = network

    async def carry_out(self, name: str, action: Callable[[], AnswerT], timeout: float = 2.0) -> AnswerT:
        return await self._network.carry_out(name.replace("read_models.", "journal."), action, timeout)


class SimulatedModels(InMemoryReadModels):
    """Read models whose every summary is looked at as it is written."""

    def __init__(self, network: Network, check_summary: Callable[[JobSummary, Watermark], object]) -> None:
        super().__init__(_BesideTheJournal(network))
        self._check_summary = check_summary

    def projected(self, job_id: str) -> int:
        """Return the number of the last event of a job that is here."""
        return self.summaries[job_id][1].seq if job_id in self.summaries else 0

    def _write_summary(self, summary: JobSummary, mark: Watermark) -> str:
        self._check_summary(summary, mark)
        return super()._write_summary(summary, mark)
