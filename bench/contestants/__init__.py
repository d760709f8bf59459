"""The systems that are compared, and the floors."""

from collections.abc import Sequence

from bench.contestant import Contestant
from bench.contestants.celery_lock import CeleryLock
from bench.contestants.journal_transactions import JournalTransactions
from bench.contestants.procrastinate_lock import ProcrastinateLock
from bench.contestants.single_active_consumer import SingleActiveConsumer
from bench.contestants.turnstile import Turnstile

#: All, Turnstile first.
ALL: Sequence[Contestant] = (
    Turnstile(),
    ProcrastinateLock(),
    CeleryLock(),
    SingleActiveConsumer(),
    JournalTransactions(),
)
