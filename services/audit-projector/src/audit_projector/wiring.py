"""The projection with its translations."""

from audit_projector.observations import Observe
from audit_projector.projection import Projection, Told, Writes
from contracts.traceparent import trace_id_of
from coordination.journal import events
from coordination.ports import JobRegister, Journal, NewId, random_id
from service_defaults.broker import to_event


def make_projection(
    journal: Journal, register: JobRegister, models: Writes, observe: Observe, new_id: NewId = random_id
) -> Projection:
    """Return the projection of this journal into these read models."""
    told = Told(lambda row: to_event(events.announced(row)), trace_id_of)
    return Projection(journal, register, models, told, observe, new_id)
