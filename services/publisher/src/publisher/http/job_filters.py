"""The filters of the list of jobs, as query parameters."""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from contracts import lock_names
from contracts.statuses import JobStatus
from publisher.http.documentation import CURSOR, JOBS_CURSOR, LOCK_NAME
from read_models import JobFilter

#: RFC 3339. Without an offset, it would be another moment for the caller than for the publisher.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)

_PROPERTY = r"^[^:]{1,64}:[\s\S]{0,256}$"


def _moment(value: Any) -> datetime:
    try:
        if not _MOMENT.fullmatch(str(value)):
            raise ValueError
        return datetime.fromisoformat(str(value).upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            "is not a time with an offset; write it like 2026-11-29T08:00:00Z (in a URL, + is %2B)"
        ) from None


def _property(value: str) -> str:
    if not re.match(_PROPERTY, value):
        raise ValueError("is not a name and a value; write it like team:accounts")
    return value


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    return name, value


_Moment = Annotated[datetime, BeforeValidator(_moment, json_schema_input_type=datetime)]
_Text = Annotated[str, Field(min_length=1, max_length=200)]
_Lock = Annotated[
    str, AfterValidator(lock_names.normalise), Field(json_schema_extra={"format": lock_names.FORMAT})
]
_Property = Annotated[str, AfterValidator(_property), Field(json_schema_extra={"pattern": _PROPERTY})]


class JobQuestion(BaseModel):
    """Which jobs to list. A job must meet all filters. Of several statuses, or kinds, it must have one."""

    # A misspelt filter would list other jobs than those asked for.
    model_config = ConfigDict(extra="forbid")

    status: list[JobStatus] = Field([], description="Status of the job; repeat it for several statuses.")
    kind: list[_Text] = Field(
        [], max_length=100, description="Kind of the job; repeat it for up to 100 kinds."
    )
    lock: _Lock | None = Field(None, description=f"Lock of the job. {LOCK_NAME}")
    worker: _Text | None = Field(None, description="Worker that runs the job, or ran it last.")
    name_prefix: _Text | None = Field(None, description="Beginning of the job's name.")
    name_contains: _Text | None = Field(
        None, description="Part of the job's name or id; upper and lower case do not differ."
    )
    property: list[_Property] = Field(
        [],
        max_length=32,
        description="A property of the job, as `name:value`; repeat it for several properties.",
    )
    taken_over: bool = Field(
        False, description="`true`: only jobs that were interrupted at least once and taken over."
    )
    finalized: bool = Field(
        False, description="`true`: also jobs that were finalized; without it, they are left out."
    )
    submitted_from: _Moment | None = Field(None, description="Submitted at this time or later.")
    submitted_before: _Moment | None = Field(None, description="Submitted before this time.")
    limit: int = Field(100, ge=1, le=200, description="Maximum number of items in the answer.")
    cursor: Annotated[str, JOBS_CURSOR] | None = Field(None, description=CURSOR)

    @classmethod
    def repeated(cls, names: Iterable[str]) -> list[str]:
        """Return the parameters that are given several times although they have one value."""
        lists = {name for name, field in cls.model_fields.items() if get_origin(field.annotation) is list}
        return [name for name, times in Counter(names).items() if times > 1 and name not in lists]

    def filter(self) -> JobFilter | None:
        """Return what the read models are asked for; None when a property is to have two values."""
        properties = dict(_pair(one) for one in self.property)
        if len(properties) < len(set(self.property)):
            return None
        return JobFilter(
            statuses=frozenset(self.status),
            kinds=frozenset(self.kind),
            lock=self.lock,
            worker=self.worker,
            name_prefix=self.name_prefix or "",
            name_contains=self.name_contains or "",
            taken_over=self.taken_over,
            with_finalized=self.finalized,
            properties=properties,
            submitted_from=self.submitted_from,
            submitted_before=self.submitted_before,
        )
