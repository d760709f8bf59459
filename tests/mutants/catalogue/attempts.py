"""Mutants of failed attempts that are followed by another one."""

from tests.mutants.mutant import Change, Mutant

_ATTEMPTS = "tests/unit/coordination/test_next_attempts.py::test_"
_IN_SLOTS = "tests/unit/coordination/test_next_attempts_in_slots.py::test_"
_CHECKED = "tests/unit/verification/test_next_attempts.py::test_"
_POLICIES = "tests/unit/turnstile/test_retries.py::test_"
_RETRIES = "coordination.journal.retries"
_READING = "coordination.journal.line_reading"
_TRANSACTIONS = "coordination.journal.transactions"

MUTANTS = [
    Mutant(
        "started-before-it-is-due",
        "no worker starts a job before its next attempt is due",
        (
            Change(
                "coordination.journal.rows",
                '    return str(job.get("due_at") or "") <= at\n',
                "    return True\n",
            ),
        ),
        f"{_ATTEMPTS}one_that_is_due_later_is_not_started_after_one_that_is_due",
    ),
    Mutant(
        "next-due-forgotten",
        "the lock row says when the next attempt of a job is due that stands outside the line",
        (
            Change(
                _TRANSACTIONS,
                "    if ended.status == JobStatus.QUEUED and ended.waits_at != ended.ticket_key:\n",
                "    if ended.status != ended.status:\n",
            ),
        ),
        f"{_ATTEMPTS}a_failed_attempt_puts_its_job_back_with_the_time_of_the_next_one",
        simulated=True,
    ),
    Mutant(
        "next-due-too-late",
        "of two due times the lock row has the earlier one",
        (
            Change(
                _TRANSACTIONS,
                "next_due=min(before.next_due or due_at, due_at), next_number",
                "next_due=due_at, next_number",
            ),
        ),
        f"{_ATTEMPTS}of_two_due_times_the_lock_row_has_the_earlier_one",
    ),
    Mutant(
        "held-place-passed",
        "no job passes one that holds its place until its next attempt is due",
        (
            Change(
                "coordination.journal.line",
                "if rows.is_due(row.values, at) and (end is None or rows.place_of(row) < end)\n",
                "if rows.is_due(row.values, at)\n",
            ),
            Change(
                "coordination.journal.line",
                "        return not held or number < self.limit - held\n",
                "        return held >= 0\n",
            ),
        ),
        f"{_ATTEMPTS}nobody_passes_one_that_holds_its_place",
    ),
    Mutant(
        "held-place-takes-no-slot",
        "a job that holds its place takes one slot from those behind it",
        (
            Change(
                "coordination.journal.line",
                "        return not held or number < self.limit - held\n",
                "        return held >= 0\n",
            ),
        ),
        f"{_IN_SLOTS}a_job_that_holds_its_place_takes_one_slot_from_those_behind_it",
        simulated=True,
    ),
    Mutant(
        "put-back-unseen-by-slot-0",
        "whoever puts a job back outside the line writes a new number into the row of slot 0",
        (
            Change(
                _TRANSACTIONS,
                "    number = (before.next_number or 0) + 1\n",
                "    number = before.next_number or 1\n",
            ),
        ),
        f"{_IN_SLOTS}in_every_order_a_take_over_of_slot_0_leaves_no_due_time_unsaid",
    ),
    Mutant(
        "due-time-in-the-row-of-its-slot",
        "the row of slot 0 says when a job of any slot is due",
        (
            Change(
                _TRANSACTIONS,
                "    draft.operations.append(Update(first.key, after.changes(before), first.etag))\n"
                "    return lock\n",
                "    return replace(lock, next_due=after.next_due)\n",
            ),
        ),
        f"{_IN_SLOTS}the_row_of_slot_0_says_when_a_job_of_another_slot_is_due",
        simulated=True,
    ),
    Mutant(
        "later-time-by-an-old-reading",
        "a holder says a later due time only by what it read since the last job was put back",
        (
            Change(
                "coordination.holder.upcoming",
                "line is not None and line.outside == Outside.said_by(lock) else None\n",
                "line is not None and lock is not None else None\n",
            ),
        ),
        f"{_IN_SLOTS}a_holder_does_not_say_a_later_time_that_it_read_before_another_slot_put_a_job_back",
    ),
    Mutant(
        "own-write-forgets-due-times",
        "who recognises an own write takes in what other slots wrote into its row since",
        (Change("coordination.journal.rows", "            next_due=found.next_due,\n", ""),),
        f"{_IN_SLOTS}an_own_write_that_is_found_again_takes_in_what_is_due_since",
    ),
    Mutant(
        "due-jobs-pass-unread-ones",
        "a job that is due does not pass jobs in line that were not read",
        (
            Change(
                _READING,
                '    last = line.tickets[-1].key if line.has_more and line.tickets else ""\n',
                '    last = ""\n',
            ),
        ),
        f"{_ATTEMPTS}one_that_is_due_does_not_pass_those_in_line_that_were_not_read",
    ),
    Mutant(
        "line-read-before-due-jobs",
        "nothing that comes into the line is missed while the jobs that are due are read",
        (
            Change(
                _READING,
                "            if due is None or line.outside != known:\n"
                "                known = line.outside\n"
                "                continue\n",
                "            due = await journal.read_range(slot.partition, rows.DUE, _MOST_DUE)\n",
            ),
        ),
        f"{_ATTEMPTS}a_more_urgent_job_that_comes_while_due_ones_are_read_is_not_passed",
    ),
    Mutant(
        "rest-although-a-slot-is-in-use",
        "the sweeper does not rest at a lock while a job runs in one of its slots",
        (
            Change(
                "coordination.maintenance.sweeper",
                "            is_at_rest = is_free and not idle.are_in_use\n",
                "            is_at_rest = is_free\n",
            ),
        ),
        f"{_IN_SLOTS}the_sweeper_finds_what_is_due_and_a_lost_slot_also_while_others_wait",
    ),
    Mutant(
        "held-place-passed-in-its-end",
        "the transaction that puts a job back into its place starts none behind it",
        (
            Change(
                _TRANSACTIONS,
                "    is_behind = holds_back and ended.ticket_key < rows.place_of(ticket)\n",
                "    is_behind = False\n",
            ),
        ),
        f"{_ATTEMPTS}nobody_passes_one_that_holds_its_place",
        simulated=True,
    ),
    Mutant(
        "due-jobs-behind-the-line",
        "a job that is due has the place of its submission",
        (
            Change(
                _READING,
                "        tickets=tuple(sorted(joined, key=rows.place_of)),\n",
                "        tickets=tuple(joined),\n",
            ),
        ),
        f"{_ATTEMPTS}others_pass_it_in_the_same_transaction_and_it_keeps_its_place",
        simulated=True,
    ),
    Mutant(
        "due-time-stays",
        "a job that was started has no due time any more",
        (Change(_TRANSACTIONS, '        due_at=job.due_at and "",\n', "        due_at=job.due_at,\n"),),
        f"{_ATTEMPTS}an_interruption_uses_up_no_attempt_and_the_job_is_in_line_at_once",
    ),
    Mutant(
        "one-attempt-too-many",
        "a job has as many attempts as its kind says",
        (
            Change(
                _RETRIES,
                "    if (job.retries or 0) + 1 >= policy.attempts:\n",
                "    if (job.retries or 0) >= policy.attempts:\n",
            ),
        ),
        f"{_ATTEMPTS}after_the_last_attempt_the_job_fails_as_any_other",
        simulated=True,
    ),
    Mutant(
        "interruptions-use-up-attempts",
        "an interruption uses up no attempt",
        (
            Change(
                _RETRIES,
                "    if (job.retries or 0) + 1 >= policy.attempts:\n",
                "    if job.attempt >= policy.attempts:\n",
            ),
        ),
        f"{_ATTEMPTS}an_interruption_before_the_last_attempt_leaves_it",
    ),
    Mutant(
        "excluded-error-tried-again",
        "an error that the policy excludes ends the job",
        (Change(_RETRIES, "    if set(classes) & set(policy.except_for):\n", "    if policy is None:\n"),),
        f"{_ATTEMPTS}what_follows_a_failed_attempt",
    ),
    Mutant(
        "tried-again-though-to-be-cancelled",
        "a job whose cancellation was requested is not tried again",
        (
            Change(
                _RETRIES,
                "    if not job.retry or job.cancel_requested:\n",
                "    if not job.retry:\n",
            ),
        ),
        f"{_ATTEMPTS}in_every_order_a_job_whose_cancellation_was_requested_is_not_tried_again",
    ),
    Mutant(
        "all-jobs-try-at-once",
        "delays of different jobs differ",
        (
            Change(
                _RETRIES,
                "    return delay * (1 + policy.jitter * int.from_bytes(digest[:4]) / 2**32)\n",
                "    return delay * (1 + policy.jitter * (not digest))\n",
            ),
        ),
        f"{_ATTEMPTS}jitter_lengthens_a_delay_by_a_part_that_differs_from_job_to_job",
    ),
    Mutant(
        "cancelled-in-line-only",
        "a job that waits for its next attempt is cancelled at once",
        (Change("coordination.clients.job_writer", "job.waits_at", "job.ticket_key"),),
        f"{_ATTEMPTS}in_every_order_a_due_job_is_either_started_or_cancelled",
    ),
    Mutant(
        "waiting-attempts-not-seen",
        "a job that waits for its next attempt keeps its lock busy",
        (
            Change(
                "coordination.clients.conflicts",
                "    if holders and holders[0].next_due:\n",
                "    if False:\n",
            ),
        ),
        f"{_ATTEMPTS}a_job_that_waits_for_its_next_attempt_keeps_its_lock_busy",
    ),
    Mutant(
        "due-jobs-left-to-the-sweeper",
        "a worker that leaves a lock tries for it when a job is due",
        (
            Change(
                "coordination.holder.session",
                "                if line.changes_at is not None:\n",
                "                if False:\n",
            ),
        ),
        f"{_ATTEMPTS}a_worker_tries_for_a_lock_it_has_left_when_a_job_is_due",
    ),
    Mutant(
        "rest-despite-new-jobs",
        "a new job of a lock ends the rest that its next due time allows",
        (
            Change(
                "coordination.maintenance.sweeper",
                "        states = {name: hash(frozenset(found)) for name, found in of_locks.items()}\n",
                "        states = dict.fromkeys(of_locks, 0)\n",
            ),
        ),
        f"{_ATTEMPTS}another_job_ends_the_sweepers_rest",
    ),
    Mutant(
        "no-rest-until-due",
        "a lock of which no job is due is looked at seldom",
        (
            Change(
                "coordination.maintenance.sweeper",
                "        if not has_work and is_at_rest and line.changes_at is not None:\n",
                "        if False:\n",
            ),
        ),
        f"{_ATTEMPTS}the_sweeper_notifies_of_a_job_that_is_due_and_looks_seldom_before",
    ),
    Mutant(
        "search-sleeps-through-due-times",
        "without wake-ups, a lock is looked at again when its next job is due",
        (
            Change(
                "coordination.holder.work_search",
                "        return min(max(line.seconds_until_change(clock.now()), _FIRST_PAUSE), _LONGEST_PAUSE)\n",
                "        return _LONGEST_PAUSE\n",
            ),
        ),
        "tests/unit/coordination/test_work_search.py::test_a_job_that_another_worker_left_for_its_next_attempt_"
        "is_found_when_it_is_due",
    ),
    Mutant(
        "tickets-read-for-nothing",
        "no request is sent for due times that lie ahead",
        (
            Change(
                "coordination.journal.line",
                "        return bool(self.next_due) and str(self.next_due) <= at\n",
                "        return bool(self.next_due)\n",
            ),
        ),
        f"{_ATTEMPTS}a_lock_without_due_times_costs_no_request_more",
    ),
    Mutant(
        "failed-for-good-tried-again",
        "FailJob ends a job whatever its policy says",
        (
            Change(
                "worker.execution.failures",
                "        error_classes=[] if is_final else _classes_of(error),\n",
                "        error_classes=_classes_of(error),\n",
            ),
        ),
        "tests/unit/execution/test_failures.py::test_a_job_that_failed_for_good_has_no_classes",
    ),
    Mutant(
        "retry-later-is-not-heard",
        "a handler says when it is called again",
        (
            Change(
                "worker.execution.failures",
                "        retry_after=retry_after,\n",
                "",
            ),
        ),
        "tests/unit/execution/test_failures.py::test_a_handler_says_when_it_wants_to_be_called_again",
    ),
    Mutant(
        "no-attempt-at-all",
        "a kind has at least one attempt",
        (Change("turnstile.retries", "not 1 <= attempts", "not 0 <= attempts"),),
        f"{_POLICIES}a_policy_that_cannot_work_is_refused_in_one_sentence",
    ),
    Mutant(
        "unknown-exceptions-excluded",
        "an exception that there is not is refused at registration",
        (
            Change(
                "turnstile.retries",
                "    except ImportError:\n        return None\n",
                "    except ImportError:\n        return OSError\n",
            ),
        ),
        f"{_POLICIES}what_is_not_an_exception_is_refused",
    ),
    Mutant(
        "next-attempt-not-in-the-message",
        "the rows in a message say when a job is tried again",
        (Change("service_defaults.broker.announcing", '        "due_at",\n', ""),),
        "tests/unit/audit_projector/test_believing.py::test_a_sealed_message_says_when_a_job_is_tried_again",
    ),
    Mutant(
        "delay-counted-as-waiting",
        "a job does not wait for its turn before it is due",
        (
            Change(
                "audit_projector.chain",
                "            self._waits_since = moment if due_at is None else datetime.fromisoformat(due_at)\n",
                "            self._waits_since = moment if due_at is not None else moment\n",
            ),
        ),
        "tests/unit/audit_projector/test_believing.py::test_a_sealed_message_says_when_a_job_is_tried_again",
    ),
    Mutant(
        "early-attempt-not-found",
        "the checker finds a job that was started before it was due",
        (
            Change(
                "verification.attempts",
                "        is_early = event.timestamp < due_at\n",
                "        is_early = False\n",
            ),
        ),
        f"{_CHECKED}what_cannot_have_happened_is_found",
    ),
    Mutant(
        "ticket-nobody-looks-at-not-found",
        "the checker finds a job that no worker would start when it is due",
        (
            Change(
                "verification.lock_reading",
                "        if not known or known > due_at:\n",
                "        if known > due_at:\n",
            ),
        ),
        f"{_CHECKED}a_ticket_that_no_worker_would_look_at_in_time_is_found",
    ),
    Mutant(
        "too-many-attempts-not-found",
        "the checker finds an attempt more than there may be",
        (
            Change(
                "verification.attempts",
                "        if not isinstance(attempts, int) or self.count >= attempts:\n",
                "        if not isinstance(attempts, int):\n",
            ),
        ),
        f"{_CHECKED}what_cannot_have_happened_is_found",
    ),
    Mutant(
        "retried-counted-as-failed",
        "an attempt that another one follows is no failure of its job in metrics",
        (
            Change(
                "worker.telemetry.endings",
                "    is_tried_again = job.status == JobStatus.QUEUED and bool(job.retries)\n",
                "    is_tried_again = False\n",
            ),
        ),
        "tests/unit/worker/test_tracing.py::test_a_failed_attempt_that_another_one_follows_is_no_failure_of_the_job",
    ),
    Mutant(
        "next-attempt-of-a-cancelled-job",
        "only a job that waits has a next attempt",
        (
            Change(
                "publisher.use_cases.documents",
                '        next_attempt_at=moment(row.due_at or "") if row.status == JobStatus.QUEUED else None,\n',
                '        next_attempt_at=moment(row.due_at or ""),\n',
            ),
        ),
        "tests/unit/publisher/test_documents.py::test_a_job_that_waits_for_its_next_attempt_says_why_and_until_when",
    ),
]
