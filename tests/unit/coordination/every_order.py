"""Plays several tasks against each other, in every order in which their storage calls can be carried out."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

#: Which task a call is made for; tasks that it starts inherit it.
_player: ContextVar[int] = ContextVar("player")


@dataclass
class Turns:
    """A fault that holds each call of a player until it is its turn."""

    choices: list[int]
    #: Between how many players each turn was chosen, and which one was.
    made: list[tuple[int, int]] = field(default_factory=list)
    #: The calls that wait for their turns; empty for all.
    calls: Collection[str] = ()
    _waiting: dict[int, asyncio.Future[None]] = field(default_factory=dict)

    async def __call__(self, when: str, call: str) -> None:
        if when == "before" and _player.get(None) is not None and (not self.calls or call in self.calls):
            self._waiting[_player.get()] = turn = asyncio.get_running_loop().create_future()
            await turn

    async def play(self, *players: Awaitable[Any]) -> list[Any]:
        """Play until all have ended; return what each returned or raised."""
        tasks = [asyncio.create_task(_as(number, player)) for number, player in enumerate(players)]
        while not all(task.done() for task in tasks):
            await _settle()
            ready = sorted(self._waiting)
            if not ready:
                continue
            taken = self.choices[len(self.made)] if len(self.made) < len(self.choices) else 0
            self.made.append((len(ready), taken))
            self._waiting.pop(ready[taken]).set_result(None)
        return await asyncio.gather(*tasks, return_exceptions=True)


async def _settle() -> None:
    """Let all run until nobody can, which is many times faster than a fixed number of turns."""
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    await asyncio.sleep(0)
    while ready:  # noqa: ASYNC110 - there is no event for "nobody can run"
        await asyncio.sleep(0)


async def _as(number: int, player: Awaitable[Any]) -> Any:
    _player.set(number)
    return await player


async def in_every_order(play: Callable[[Turns], Awaitable[None]]) -> int:
    """Play once for each order of the players' calls, and return how many orders there are."""
    choices: list[int] = []
    orders = 0
    while True:
        turns = Turns(choices)
        await play(turns)
        orders += 1
        made = turns.made
        while made and made[-1][1] + 1 == made[-1][0]:
            made.pop()
        if not made:
            return orders
        choices = [taken for _, taken in made]
        choices[-1] += 1
