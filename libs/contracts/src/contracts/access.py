"""Who may do what: the scopes, the roles that are made of them, and a client with its limits.

A scope is one thing that a client may do. What needs which scope stands in a single table, that of the
publisher; what no rule allows is refused.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

#: A client's name: short enough that the audit trail has room for the one in whose name it acts.
CLIENT_NAME = "^[a-z0-9]([a-z0-9._-]{0,38}[a-z0-9])?$"
CLIENT_NAME_IN_WORDS = (
    "1 to 40 lower-case letters, digits, dots, dashes and underscores, with a letter or a digit at both ends"
)


class Scope(StrEnum):
    """One thing that a client may do."""

    READ = "read"
    READ_WORKERS = "read-workers"
    READ_SCHEDULES = "read-schedules"
    READ_MESSAGES = "read-messages"
    SUBMIT = "submit"
    CANCEL = "cancel"
    RETRY = "retry"
    FINALIZE = "finalize"
    PIN = "pin"
    LIMIT = "limit"
    DRAIN = "drain"
    SCHEDULE = "schedule"
    ACT_AS = "act-as"


class Role(StrEnum):
    """A set of scopes with a name."""

    VIEWER = "viewer"
    SUBMITTER = "submitter"
    OPERATOR = "operator"
    ADMIN = "admin"


_VIEWER = frozenset({Scope.READ, Scope.READ_WORKERS, Scope.READ_SCHEDULES})
_SUBMITTER = frozenset({Scope.READ, Scope.SUBMIT})
_OPERATOR = (
    _VIEWER
    | _SUBMITTER
    | {
        Scope.READ_MESSAGES,
        Scope.CANCEL,
        Scope.RETRY,
        Scope.FINALIZE,
        Scope.PIN,
        Scope.LIMIT,
        Scope.DRAIN,
    }
)

#: The scopes of each role. No role may act in the name of another: that is granted to a client by itself.
ROLES: Mapping[Role, frozenset[Scope]] = {
    Role.VIEWER: _VIEWER,
    Role.SUBMITTER: _SUBMITTER,
    Role.OPERATOR: _OPERATOR,
    Role.ADMIN: frozenset(Scope) - {Scope.ACT_AS},
}

#: Scopes about what belongs to no single lock. A client with a list of locks or kinds cannot have them.
OF_ALL_LOCKS = frozenset(
    {Scope.READ_WORKERS, Scope.READ_SCHEDULES, Scope.READ_MESSAGES, Scope.DRAIN, Scope.SCHEDULE}
)


@dataclass(frozen=True)
class Client:
    """A program, or a person, that uses the API, and what it may do."""

    name: str
    scopes: frozenset[Scope]
    #: What the names of the locks begin with of which it sees and changes anything; None for all locks.
    locks: tuple[str, ...] | None = None
    #: The kinds of jobs that it may submit; None for all kinds.
    kinds: frozenset[str] | None = None
    #: Requests per second, and at once; None for what the publisher allows every client.
    rate: float | None = None
    burst: int | None = None

    def may_use(self, lock: str) -> bool:
        """Return whether it may see and change what belongs to a lock, whose name is normalised."""
        return self.locks is None or lock.startswith(self.locks)

    def may_submit(self, kind: str) -> bool:
        """Return whether it may submit jobs of a kind."""
        return self.kinds is None or kind in self.kinds


def scopes_of(role: Role | None, more: Iterable[Scope], *, is_limited: bool) -> frozenset[Scope]:
    """Return the scopes of a client: those of its role, and more.

    Of the role, a client that is limited to some locks or kinds has only what belongs to a lock.
    """
    of_role = frozenset[Scope]() if role is None else ROLES[role]
    return (of_role - OF_ALL_LOCKS if is_limited else of_role) | frozenset(more)
