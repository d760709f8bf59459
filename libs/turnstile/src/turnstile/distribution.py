"""Distribution: which workers of a pool run the jobs of a kind."""

from dataclasses import dataclass

from turnstile.errors import DefinitionError

#: Characters of the name of a property.
_LONGEST_NAME = 64


@dataclass(frozen=True)
class ByProperty:
    """Run a job on workers whose property has the value of the job's.

    With `ByProperty("tier", "machine")`, a job whose property `tier` is `premium` runs on workers with
    `TURNSTILE_WORKER_PROPERTIES=machine=premium`. A job without the property is run by any worker of its
    pool. So is one whose value no living worker has had for a minute.
    """

    #: Name of the property of the job.
    job: str
    #: Name of the property of the worker.
    worker: str


def check_distribution(kind: str, distribution: object) -> None:
    """Raise DefinitionError that says what is wrong with the distribution of a kind."""
    if not isinstance(distribution, ByProperty):
        raise DefinitionError(f"kind {kind!r}: distribution must be a ByProperty, not {distribution!r}")
    for field in ("job", "worker"):
        name = getattr(distribution, field)
        if not isinstance(name, str) or not 1 <= len(name) <= _LONGEST_NAME or {":", "=", ","} & set(name):
            raise DefinitionError(
                f"kind {kind!r}: distribution.{field} must be the name of a property, 1 to {_LONGEST_NAME} "
                f"characters without colon, comma and equals sign, not {name!r}"
            )
