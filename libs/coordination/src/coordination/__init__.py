"""The single-job protocol: who may try to work on a lock, and who may write about it.

Two stores, two questions. A lease on a blob decides *when* someone may try: it is time-limited, so a lost
worker cannot keep it. The lock row of the journal decides *who may write*: it carries a fence that rises with
every start, and every write of a holder is conditional on the version of that row the holder wrote last.
Once another worker has started, every write of the one before is refused, whatever its clock says.

A lock's partition holds its lock row, the tickets of the jobs that wait, and their jobs' rows and events.
So one transaction moves the fence, ends a run that was cut off, and starts the next job; under load the same
transaction ends one job and starts the next.

::

    Submitted --> Queued --------------------------> Cancelled
                    |  ^
      take over,    |  | Interrupted: runner died,
      fence + 1     v  | holder lost, clean stop
                  Running --> Completed | Failed | Cancelled | TimedOut

Where to read on:

- `tenure`: holding a lock, from run to run; `held_rows` writes for them and recognises own writes after a
  refusal, `transactions` builds what is written, `keeper` renews the lease.
- `doorkeeper`: what a doorbell means and which locks a worker serves; `serving` holds a lock and leaves no
  work behind, `watches` keeps trying for locks held elsewhere.
- `house`: what a worker goes by, and `door`: what came of a doorbell; `unknown_kinds`: how long jobs wait for
  somebody who knows their kind.
- `submission`, `cancellation`: what others than the holder write; they never touch the lock row.
- `sweeper`: repairs what a crash left between two writes.
- `times`: when a run is stopped and killed, counted from before the request that granted the time was sent.
- `ports`: what all this needs from the world; `memory` and `clock` are doubles that need no servers.

What is trusted: a lease only until its soft deadline, by our own boot clock. Not trusted: other machines'
clocks, messages (they only ring), answers that did not come (a request may have been carried out, so the
identical one is repeated), and a row read again after a refusal (unless it still names our own run).

Not guaranteed: that a handler frozen inside one call for longer than its lease does not finish that call
late. The fence is handed to handlers for targets that can refuse the lower of two.
"""
