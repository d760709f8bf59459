"""Asking which of some leases are free, in few requests."""

from collections.abc import Sequence

from coordination.ports import Leases

#: More leases than this are listed with one request. Azure charges for a list as for a dozen reads.
_FEW = 12


class FreeLeases:
    """Says which leases are free, each as of a moment since it was made; `timeout` is seconds per request."""

    def __init__(self, leases: Leases, timeout: float, listed: set[str] | None) -> None:
        self._leases = leases
        self._timeout = timeout
        self._listed = listed

    @classmethod
    async def among(cls, leases: Leases, names: Sequence[str], timeout: float) -> "FreeLeases":
        """List the free ones, unless they are so few that each is asked for on its own.

        Raises UnknownOutcomeError.
        """
        listed = await leases.free(names, timeout) if len(names) > _FEW else None
        return cls(leases, timeout, listed)

    async def has(self, name: str) -> bool:
        """Return whether a lease is free. Raises UnknownOutcomeError."""
        if self._listed is not None:
            return name in self._listed
        return await self._leases.is_free(name, self._timeout)
