"""The cases: which rules and faults are explored, how far, and what must come out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
TURNSTILE = FOLDER / "turnstile.pml"
LEASE = FOLDER / "lease.pml"
SLOTS = FOLDER / "slots.pml"


@dataclass(frozen=True)
class Case:
    """One search through everything that can happen within the bounds."""

    name: str
    #: Definitions for the model, without -D.
    defines: Sequence[str] = ()
    #: Whether a counterexample must be found: a mutant, or a protocol without a part that it needs.
    fails: bool = False
    #: Part of the quick subset.
    quick: bool = False
    model: Path = TURNSTILE

    @property
    def is_liveness(self) -> bool:
        """Whether `live` is checked under weak fairness, instead of assertions and end states."""
        return "LTL" in self.defines

    @property
    def is_large(self) -> bool:
        """Whether the search has millions of states."""
        return not (self.fails or self.quick)

    @property
    def bounds(self) -> str:
        """What is bounded how, in short."""
        short = [define.removeprefix("MAX").lower() for define in self.defines if define.startswith("MAX")]
        others = [define for define in self.defines if not define.startswith(("MAX", "M_", "J="))]
        jobs = next((define for define in self.defines if define.startswith("J=")), "J=2")
        parts = ["2 workers"] if self.model == LEASE else [f"{jobs[2:]} jobs"]
        return ", ".join([*parts, *short, *(other.lower().replace("_", " ") for other in others)])


def _clean(name: str, *defines: str, quick: bool = False) -> Case:
    return Case(name, defines, quick=quick)


def _fails(name: str, *defines: str, quick: bool = True) -> Case:
    return Case(name, defines, fails=True, quick=quick)


def _slot_mutant(name: str, *defines: str) -> Case:
    return Case(f"slots: {name}", defines, fails=True, quick=True, model=SLOTS)


#: The protocol as built: nothing may be found.
CLEAN = (
    _clean("quiet", quick=True),
    _clean("three jobs", "J=3", quick=True),
    _clean("late write", "LATE_WRITE", quick=True),
    _clean("stop, runner died, unswept", "MAXSTOP=1", "MAXDIED=1", quick=True),
    _clean("expiry, lost answer, unswept", "MAXEXP=1", "MAXLOST=1", quick=True),
    _clean("crash that a wake-up noticed, unswept", "MAXCRASH=1", "ONLY_NOTICED", quick=True),
    _clean("crash", "SWEEP", "MAXCRASH=1", quick=True),
    _clean("expiry, crash", "SWEEP", "MAXEXP=1", "MAXCRASH=1"),
    _clean("expiry, lost answer", "SWEEP", "MAXEXP=1", "MAXLOST=1"),
    _clean("crash, lost answer", "SWEEP", "MAXCRASH=1", "MAXLOST=1"),
    _clean("late transaction", "SWEEP", "MAXLATE=1", quick=True),
    _clean("late transaction, expiry", "SWEEP", "MAXLATE=1", "MAXEXP=1"),
    _clean("given up, expiry", "SWEEP", "MAXCUT=1", "MAXEXP=1"),
    _clean("runner died, no wake-up", "SWEEP", "MAXDIED=1", "MAXNONOTIFY=1"),
    _clean("cancellation, lost answer", "SWEEP", "MAXAPI=1", "MAXLOST=1"),
    _clean("two cancellations", "MAXAPI=2", quick=True),
    _clean("cancellation, expiry", "SWEEP", "MAXAPI=1", "MAXEXP=1"),
    _clean("cancellation, crash", "SWEEP", "MAXAPI=1", "MAXCRASH=1"),
    _clean("three jobs, expiry", "J=3", "MAXEXP=1", quick=True),
    _clean("three jobs, crash", "J=3", "SWEEP", "MAXCRASH=1"),
    _clean("one id submitted twice", "SWEEP", "IDS", "MAXLOST=1", "MAXCRASH=1", quick=True),
    _clean("no wake-up arrives", "AWAY", quick=True),
    _clean("no wake-up arrives, crash", "AWAY", "MAXCRASH=1", quick=True),
    _clean("no wake-up arrives, stop, runner died", "AWAY", "MAXSTOP=1", "MAXDIED=1", quick=True),
    _clean("lives: no wake-up arrives, crash", "LTL", "AWAY", "MAXCRASH=1"),
    _clean("lives: expiry", "LTL", "MAXEXP=1", quick=True),
    _clean("lives: stop, runner died", "LTL", "MAXSTOP=1", "MAXDIED=1"),
    _clean("lives: crash", "LTL", "SWEEP", "MAXCRASH=1"),
    Case("times", (), quick=True, model=LEASE),
    Case("times, four renewals", ("RENEWALS=4",), model=LEASE),
    _clean("tried again", "SWEEP", "RETRY", quick=True),
    _clean("tried again, expiry", "SWEEP", "RETRY", "MAXEXP=1"),
    _clean("tried again, crash", "SWEEP", "RETRY", "MAXCRASH=1"),
    _clean("tried again, lost answer", "SWEEP", "RETRY", "MAXLOST=1"),
    _clean("tried again, late transaction", "SWEEP", "RETRY", "MAXLATE=1"),
    _clean("tried again twice, cancellation", "SWEEP", "RETRY", "MAXRETRY=2", "MAXAPI=1"),
    _clean("tried again, no wake-up arrives", "AWAY", "RETRY", quick=True),
    _clean("tried again in its place", "SWEEP", "RETRY", "HOLDPLACE", quick=True),
    _clean("tried again in its place, twice", "SWEEP", "RETRY", "HOLDPLACE", "MAXRETRY=2"),
    _clean("tried again in its place, expiry", "SWEEP", "RETRY", "HOLDPLACE", "MAXEXP=1"),
    _clean("tried again in its place, cancellation", "SWEEP", "RETRY", "HOLDPLACE", "MAXAPI=1"),
    # Redundant: the marks of own writes and one writer at a time leave nothing that it alone would catch.
    _clean("redundant: mine = tenure", "TENURE_ONLY", "MAXEXP=1", "MAXLOST=1"),
)

#: Promised next, not built yet.
HOLD = (
    _clean("hold", "HOLD", "SWEEP", quick=True),
    _clean("hold, cancellation", "HOLD", "MAXAPI=1", "SWEEP"),
    _clean("hold, crash", "HOLD", "SWEEP", "MAXCRASH=1"),
    _fails("hold: ignored", "HOLD", "M_HOLD_IGNORED"),
    _fails("hold: as long as it stands there", "HOLD", "SWEEP", "MAXAPI=1", "M_HOLD_FOREVER"),
    _fails("hold: overdue, version not asked", "HOLD", "SWEEP", "M_OVERDUE_BLIND"),
)

#: Several slots of a lock, while its limit is changed.
LIMITS = (
    Case("slots", (), quick=True, model=SLOTS),
    Case("slots: three jobs", ("J=3",), quick=True, model=SLOTS),
    Case("slots: expiry, crash", ("MAXEXP=1", "MAXCRASH=1"), quick=True, model=SLOTS),
    Case("slots: lost answer, crash", ("MAXLOST=1", "MAXCRASH=1"), quick=True, model=SLOTS),
    Case("slots: three jobs, expiry, lost answer", ("J=3", "MAXEXP=1", "MAXLOST=1"), model=SLOTS),
    Case("slots: an old worker, expiry", ("OLD", "MAXEXP=1", "MAXCRASH=1"), quick=True, model=SLOTS),
    Case("slots: tried again", ("RETRY",), quick=True, model=SLOTS),
    Case("slots: tried again twice", ("RETRY", "MAXRETRY=2"), model=SLOTS),
    Case("slots: tried again, expiry, crash", ("RETRY", "MAXEXP=1", "MAXCRASH=1"), model=SLOTS),
    Case("slots: tried again, lost answer", ("RETRY", "MAXLOST=1"), model=SLOTS),
    _slot_mutant("the limit in a row of its own", "M_LIMIT_APART"),
    _slot_mutant("start again what a closed slot was cut off from", "M_RESTART_CLOSED", "MAXCRASH=1"),
    _slot_mutant("nobody looks at a closed slot", "M_CLOSED_LEFT", "MAXCRASH=1"),
    _slot_mutant("own write found, limit overlooked", "M_STALE_LIMIT", "J=3", "MAXLOST=1"),
    _slot_mutant("a ticket taken twice", "M_TICKET"),
    _slot_mutant("no version of the slot's row", "M_ONE_ROW", "MAXEXP=1"),
    _slot_mutant("a due time in the slot's own row", "RETRY", "M_OWN_TIME"),
    _slot_mutant("a ticket that the row of slot 0 does not show", "RETRY", "MAXRETRY=2", "M_UNSEEN"),
    _slot_mutant("a later time by an old reading", "RETRY", "M_OLD_READING"),
)

#: One rule taken away: a counterexample must be found.
MUTANTS = (
    _fails("no fence check", "SWEEP", "MAXEXP=1", "M_NO_FENCE"),
    _fails("no own-write recognition", "SWEEP", "MAXLOST=1", "M_NO_OWN"),
    _fails("read again and go on", "SWEEP", "MAXEXP=1", "M_GO_ON"),
    Case("deadline from the answer", ("M_FROM_ANSWER",), fails=True, quick=True, model=LEASE),
    Case("no deadline enforcer", ("M_NO_GUILLOTINE",), fails=True, quick=True, model=LEASE),
    _fails("no look after release", "M_NO_LOOK"),
    _fails("acknowledge on conflict", "MAXCRASH=1", "ONLY_NOTICED", "M_ACK"),
    _fails("skip the one cut off", "SWEEP", "MAXCRASH=1", "M_SKIP_CUT_OFF"),
    _fails("no ticket back", "SWEEP", "MAXCRASH=1", "M_NO_TICKET_BACK"),
    _fails("no sweeper", "MAXCRASH=1"),
    _fails("no sweeper, no wake-up", "MAXNONOTIFY=1"),
    _fails("no wake-up arrives, no search", "AWAY", "M_NO_SEARCH"),
    _fails("next not vouched for", "SWEEP", "MAXAPI=1", "M_UNVOUCHED"),
    _fails("events overwritten", "SWEEP", "MAXAPI=1", "M_OVERWRITE"),
    _fails("version adopted unread", "SWEEP", "MAXAPI=1", "MAXLOST=1", "M_STALE_OWN"),
    _fails("late write finds somebody", "LATE_WRITE", "M_LATE_WRITE"),
    _fails("no time in the lock row", "SWEEP", "RETRY", "M_NO_NEXT_DUE"),
    _fails("time in the lock row forgotten", "SWEEP", "RETRY", "M_FORGETS_DUE"),
    _fails("put there after the reading", "SWEEP", "RETRY", "MAXEXP=1", "M_NO_NUMBER"),
    _fails("its place passed", "SWEEP", "RETRY", "HOLDPLACE", "M_PASSED"),
    _fails("tried again though to be cancelled", "AWAY", "RETRY", "MAXAPI=1", "M_AGAIN_THOUGH_ASKED"),
    _fails("tried again without a sweeper", "RETRY"),
    _fails("deaf in the last look", "M_DEAF_LOOK"),
    _fails("deaf in a watch's look", "J=3", "M_DEAF_WATCH"),
    _fails("stop without a wake-up", "MAXSTOP=1", "M_SILENT_STOP"),
    _fails("tombstone overwrites", "SWEEP", "IDS", "M_TOMBSTONE"),
    _fails("tombstone called a job", "SWEEP", "IDS", "M_EXISTS"),
)

ALL = (*CLEAN, *HOLD, *LIMITS, *MUTANTS)
