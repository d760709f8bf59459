"""Names of steps: which number a repeated name gets, so that a retry and the next attempt find the step."""

import asyncio
import threading
from bisect import insort
from collections.abc import Mapping
from weakref import WeakKeyDictionary

from turnstile.channels import NAMING
from turnstile.errors import StepMisuseError

#: Most characters of a step's whole name: those of its outer steps and its number included.
MAX_NAME = 250


class StepNumbers:
    """Numbers the steps of one name after the other, in one place: the handler itself, or inside of one step.

    A step that is left by an error gives its number back. When no other step of the name was in use at the
    same time, the next one gets it. Else only the task or thread that gave it back gets it again: it alone
    can mean the same work.
    """

    def __init__(self) -> None:
        self._highest: dict[str, int] = {}
        self._used: dict[str, set[int]] = {}
        #: Numbers in use at the same time as others of their name.
        self._side_by_side: dict[str, set[int]] = {}
        self._left: WeakKeyDictionary[object, dict[str, list[int]]] = WeakKeyDictionary()

    def take(self, name: str) -> int:
        """Return the number for the next step of a name."""
        left = self._left.get(_flow(), {}).get(name)
        if left:
            number = left.pop(0)
        else:
            number = self._highest[name] = self._highest.get(name, 0) + 1
        used = self._used.setdefault(name, set())
        used.add(number)
        if len(used) > 1:
            self._side_by_side.setdefault(name, set()).update(used)
        return number

    def keep(self, name: str, number: int) -> bool:
        """Note that a step is recorded; return whether it was alone with its name all the time."""
        used, rivals = self._used[name], self._side_by_side.get(name, set())
        was_alone = number not in rivals
        used.discard(number)
        rivals.discard(number)
        if not used:
            del self._used[name]
            self._side_by_side.pop(name, None)
        return was_alone

    def give_back(self, name: str, number: int) -> None:
        """Note that a step was left by an error."""
        if self.keep(name, number) and number == self._highest[name]:
            self._highest[name] -= 1
        else:
            insort(self._left.setdefault(_flow(), {}).setdefault(name, []), number)


class StepPlace:
    """A place in which steps begin: the handler itself, or one step. Only one entry of a step uses it."""

    def __init__(self, name: str = "") -> None:
        #: Whole name of the step; empty for the handler itself.
        self.name = name
        self.numbers = StepNumbers()
        #: How many steps are open in it.
        self.open = 0


class StepNames:
    """The names of a run's steps, what is recorded under them, and which of them are open. For any thread.

    By naming rule 1, of earlier releases, a name has the number of the call that asks for it, in whichever
    place, also after an error. An attempt that continues a job of that rule keeps to it.
    """

    def __init__(self, recorded: Mapping[str, str], naming: int = NAMING) -> None:
        self._recorded = recorded
        #: Whether names depend on the place, and an error gives a number back.
        self.is_placed = naming >= NAMING
        self._lock = threading.Lock()
        self._handler = StepPlace()
        self._open: set[str] = set()
        #: Results that this attempt recorded inside of steps which are not recorded yet, as these may be
        #: tried again: by the whole name of the outer step, then by that of the inner one.
        self._inside: dict[str, dict[str, str]] = {}
        #: Of names with a slash: from which place and name each was made.
        self._origins: dict[str, tuple[str, str]] = {}

    def claim(self, name: str, place: StepPlace | None) -> tuple[str, int]:
        """Return a step's whole name and number. Raises StepMisuseError."""
        if not 1 <= len(name) <= 200 or "#" in name or not name.isprintable():
            raise StepMisuseError(
                f"step name {name[:220]!r} must have 1 to 200 printable characters and no '#'"
            )
        place = self._place(place)
        with self._lock:
            text = f"{place.name}/{name}" if place.name else name
            self._check_origin(text, place.name, name)
            number = place.numbers.take(name)
        whole = text if number == 1 else f"{text}#{number}"
        if len(whole) > MAX_NAME:
            self.give_back(name, number, place)
            raise StepMisuseError(
                f"step {whole[:220]!r}… has {len(whole)} characters with the names of its outer steps, "
                f"and may have {MAX_NAME}: shorten them"
            )
        return whole, number

    def result(self, whole: str, place: StepPlace | None) -> str | None:
        """Return the JSON of the result that is recorded under a whole name."""
        found = self._recorded.get(whole)
        if found is None and place is not None:
            found = self._inside.get(place.name, {}).get(whole)
        return found

    def enter(self, whole: str, place: StepPlace | None) -> None:
        """Note that a step is open. Raises StepMisuseError when one of its name is."""
        with self._lock:
            if whole in self._open:
                raise StepMisuseError(
                    f"step {whole!r} is still open: wait for the tasks and threads of a step before the step "
                    "is tried again, and enter a step only once"
                )
            self._open.add(whole)
            self._place(place).open += 1

    def leave(self, whole: str, place: StepPlace | None) -> None:
        """Note that a step is not open any more."""
        with self._lock:
            self._open.discard(whole)
            self._place(place).open -= 1

    def keep(self, whole: str, name: str, number: int, place: StepPlace | None, result: str) -> None:
        """Note that a step is recorded, now or by an earlier attempt."""
        with self._lock:
            self._place(place).numbers.keep(name, number)
            self._inside.pop(whole, None)
            if place is not None and self.is_placed and whole not in self._recorded:
                self._inside.setdefault(place.name, {})[whole] = result

    def give_back(self, name: str, number: int, place: StepPlace | None) -> None:
        """Note that a step was left by an error, so that its number is free."""
        with self._lock:
            if self.is_placed:
                self._place(place).numbers.give_back(name, number)

    def _place(self, place: StepPlace | None) -> StepPlace:
        return place if place is not None and self.is_placed else self._handler

    def _check_origin(self, text: str, place: str, name: str) -> None:
        if "/" not in text:
            return
        origin = self._origins.setdefault(text, (place, name))
        if origin != (place, name):
            one, other = (
                f"{step!r} inside {at!r}" if at else f"{step!r}" for at, step in (origin, (place, name))
            )
            raise StepMisuseError(
                f"steps {one} and {other} would both be called {text!r}, and have one record and one "
                "idempotency key: rename one of them"
            )


def _flow() -> object:
    """Return the task that runs now; the thread where there is none."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    return task or threading.current_thread()
