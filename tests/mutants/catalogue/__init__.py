"""All mutants, by what breaks."""

from tests.mutants.catalogue import (
    attempts,
    author_api,
    checker,
    client,
    contracts,
    heartbeat,
    holder,
    journal,
    judged,
    messaging,
    projector,
    protocol,
    publisher,
    retention,
    retrying,
    runners,
    scheduler,
    schedules,
    slots,
    storage,
    sweeper,
    worker,
)

_ALL = [
    *protocol.MUTANTS,
    *journal.MUTANTS,
    *judged.MUTANTS,
    *attempts.MUTANTS,
    *holder.MUTANTS,
    *sweeper.MUTANTS,
    *author_api.MUTANTS,
    *worker.MUTANTS,
    *runners.MUTANTS,
    *heartbeat.MUTANTS,
    *publisher.MUTANTS,
    *contracts.MUTANTS,
    *storage.MUTANTS,
    *messaging.MUTANTS,
    *scheduler.MUTANTS,
    *schedules.MUTANTS,
    *projector.MUTANTS,
    *checker.MUTANTS,
    *client.MUTANTS,
    *retention.MUTANTS,
    *retrying.MUTANTS,
    *slots.MUTANTS,
]

MUTANTS = {mutant.name: mutant for mutant in _ALL}
if len(MUTANTS) != len(_ALL):
    raise ValueError("two mutants have the same name")
