"""Traces as tests read them: which spans there are, under which, and whether the whole hangs together."""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from tests.e2e.api import Job
from tests.e2e.telemetry.otlp_receiver import OtlpReceiver
from tests.e2e.telemetry.received import Span, SpanEvent
from tests.e2e.waiting import until

from contracts.telemetry import attributes as at
from contracts.telemetry import spans as sp
from contracts.telemetry.names import Source

#: Transactions that start an attempt.
STARTS = (sp.TAKE_OVER_LOCK, sp.START_NEXT_JOB)

#: Transactions that end one.
ENDS = (sp.COMPLETE_JOB, sp.FAIL_JOB, sp.CANCEL_JOB, sp.TIME_OUT_JOB, sp.INTERRUPT_JOB)


@dataclass(frozen=True)
class Trace:
    """The spans of one trace, earliest first."""

    trace_id: str
    spans: list[Span]

    def named(self, *names: str) -> list[Span]:
        """Return the spans with one of these names."""
        return [span for span in self.spans if span.name in names]

    def one(self, name: str, *, attempt: int | None = None) -> Span:
        """Return the only span of this name, in an attempt if one is given."""
        found = [span for span in self.named(name) if attempt in {None, span.attributes.get(at.JOB_ATTEMPT)}]
        assert len(found) == 1, f"{len(found)} spans `{name}` (attempt {attempt}) in\n{self}"
        return found[0]

    def submission(self) -> Span:
        """Return the span of the job's submission, whose name has the kind."""
        (found,) = [span for span in self.spans if is_submission(span)]
        return found

    def of_kind(self, service: Source, kind: str) -> list[Span]:
        """Return the spans of a service and kind."""
        return [span for span in self.spans if span.service == service.service_name and span.kind == kind]

    def above(self, span: Span) -> list[Span]:
        """Return a span's parents, nearest first."""
        by_id = {span.span_id: span for span in self.spans}
        found = []
        while (parent := by_id.get(span.parent_id)) is not None:
            found.append(parent)
            span = parent
        return found

    def orphans(self) -> list[Span]:
        """Return the spans whose parent did not come."""
        ids = {span.span_id for span in self.spans}
        return [span for span in self.spans if span.parent_id and span.parent_id not in ids]

    def doubled(self) -> list[str]:
        """Return the ids of spans that came twice."""
        return [
            span_id for span_id, count in Counter(span.span_id for span in self.spans).items() if count > 1
        ]

    def moments(self, name: str) -> list[tuple[Span, dict[str, object]]]:
        """Return the moments of a name, each with its span."""
        return [
            (span, {**event.attributes}) for span in self.spans for event in span.events if event.name == name
        ]

    def __str__(self) -> str:
        """Draw it, for failures."""
        by_id = {span.span_id: span for span in self.spans}

        def depth(span: Span) -> int:
            return 0 if span.parent_id not in by_id else 1 + depth(by_id[span.parent_id])

        began = min((span.start for span in self.spans), default=0.0)
        return "\n".join(
            f"{span.start - began:8.3f} {span.end - span.start:7.3f} {span.service:25} {'  ' * depth(span)}"
            f"{span.name} [{span.kind}] {', '.join(event.name for event in span.events)}"
            f"{' LINKS ' + str(len(span.links)) if span.links else ''}"
            for span in self.spans
        )


def is_submission(span: Span) -> bool:
    """Return whether a job was submitted in this span."""
    return span.scope == "turnstile" and span.name.startswith(sp.SUBMIT_JOB)


def trace(spans: Iterable[Span], trace_id: str) -> Trace:
    """Return the trace of an id."""
    found = [span for span in spans if span.trace_id == trace_id]
    return Trace(trace_id, sorted(found, key=lambda span: (span.start, -span.end)))


def trace_now(receiver: OtlpReceiver, job: Job) -> Trace:
    """Return the job's trace as far as it came."""
    spans = receiver.spans
    about = [span for span in spans if span.attributes.get(at.JOB_ID) == job.id]
    ids = {span.trace_id for span in about if is_submission(span)}
    assert len(ids) <= 1, f"job {job.id} has several traces: {ids}"
    return trace(spans, ids.pop() if ids else about[0].trace_id if about else "")


def projections(receiver: OtlpReceiver, job: Job) -> list[SpanEvent]:
    """Return what was told of the projection of a job's events, which is in traces of its own."""
    return [
        moment
        for span in receiver.spans
        for moment in span.events
        if moment.name == sp.JOB_PROJECTED and moment.attributes[at.JOB_ID] == job.id
    ]


def whole_trace(receiver: OtlpReceiver, job: Job, within: float = 8) -> Trace:
    """Wait until the trace has the job's end, all events are projected, and nothing more comes."""
    expected = len(job.events())
    seen = Trace("", [])
    quiet = 0

    def is_whole() -> bool:
        nonlocal seen, quiet
        before, seen = len(seen.spans), trace_now(receiver, job)
        projected = sum(int(moment.attributes[at.JOB_EVENT_COUNT]) for moment in projections(receiver, job))
        has_ended = any(span.attributes.get(at.JOB_ID) == job.id for span in seen.named(*ENDS))
        quiet = quiet + 1 if len(seen.spans) == before else 0
        # About a second: several times what services wait before they send.
        return has_ended and projected >= expected and quiet > 10

    # What does not come in time is missed by the test that looks for it.
    with suppress(AssertionError):
        until(is_whole, within, "the whole trace")
    return seen
