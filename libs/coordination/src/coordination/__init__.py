"""The single-job protocol: which worker may try to work on a lock, and which may write about it.

Two stores answer two questions. A lease on a blob decides *which worker may try*: it is limited in time, so a
lost worker cannot keep it. The lock row of the journal decides *which worker may write*: it carries a fence
that rises with every start, and every write of a holder is conditional on the version of that row that the
holder wrote last. Once another worker has started a job, every write of the one before is refused,
also when its clock is wrong.

A lock's partition holds its lock row, the tickets of the jobs that wait, and their jobs' rows and events.
A lock with a limit has several slots, each with a lease and a lock row of its own; all take from one line.
So one transaction moves the fence, ends a run that was cut off, and starts the next job; under load the same
transaction ends one job and starts the next.

::

    Submitted --> Queued --------------------------> Cancelled
                    |  ^
      take over,    |  | Interrupted: runner died,
      fence + 1     v  | holder lost, clean stop; AttemptFailed: another one follows
                  Running --> Completed | Failed | Cancelled | TimedOut
        Queued --> Cancelled | Expired

Where to read on:

- `ports`: what the protocol needs from the world. `worker_directory`: which workers and kinds there are.
  `slot`: a place under a lock. `clock`, `times`: deadlines, counted from before the request that granted the
  time was sent. `outcomes`, `observations`, `call_tracing`: what it reports. `known_slots`: which locks have
  more slots than one, as far as a process knows.
- `journal`: the rows of a lock (`rows`), its waiting jobs (`line`), its slots (`limits`), what a transaction
  writes (`transactions`, `events`, `storage_limits`), how a job ends (`endings`) or is tried again
  (`retries`), and how a write is repeated until its outcome is known (`persistence`).
- `holder`: a worker that serves locks. `dispatcher` decides which locks; a `session` holds one lock and
  leaves no work behind; `slot_search` finds free slots of a lock; `watches` keep trying for locks held
  elsewhere; a `tenure` is one unbroken holding, whose rows `held_rows` writes and whose lease `lease_keeper`
  renews; `unknown_kinds` says how long a job waits for a worker that knows its kind. While wake-ups cannot
  arrive (`broker_watch`), a `work_search` finds locks with work.
- `clients`: what callers that do not hold the lock write (`job_writer`, `submission`, `cancellation`,
  `limits`).
- `maintenance`: the `sweeper` repairs what a crash left between two writes; `queue_snapshot` is for metrics.
- `testing`: doubles of the ports that need no servers.

What is trusted: a lease only until its soft deadline, by our own boot clock. Not trusted: other machines'
clocks, messages (they only notify), answers that did not come (a request may have been carried out, so the
identical one is repeated), and a row read again after a refusal (unless it still names our own run).

Not guaranteed: a handler that is frozen inside one call for longer than its lease may finish that call late.
Handlers get the fence, for targets that can refuse the lower of two.
"""
