"""The worker's side: heartbeats and kinds, how wake-ups are settled, and what is exported of runs."""

from tests.mutants.mutant import Change, Mutant

_PRESENCE = "worker.heartbeat"
_WAKE_UPS = "worker.wake_ups"
_OBSERVER = "worker.telemetry.observer"
_MEASUREMENTS = "worker.telemetry.measurements"
_HAND_OVERS = "worker.telemetry.hand_overs"
_LOST_RUNS = "worker.telemetry.lost_runs"
_TRACING = "worker.telemetry.tracing"
_OPEN_RUNS = "worker.telemetry.open_runs"
_RUNNER = "worker.runner_tracing"

_SEEN = "tests/unit/worker/test_heartbeat.py::test_"
_SETTLED = "tests/unit/worker/test_settling_wake_ups.py::test_"
_LISTENING = "tests/unit/worker/test_wake_ups.py::test_"
_OBSERVED = "tests/unit/worker/test_observer.py::test_"
_STRETCHES = "tests/unit/worker/test_stretches.py::test_"
_MEASURED = "tests/unit/worker/test_measurements.py::test_"
_HANDED_OVER = "tests/unit/worker/test_hand_overs.py::test_"
_LOST = "tests/unit/worker/test_lost_runs.py::test_"
_SPANS = "tests/unit/worker/test_tracing.py::test_"
_WITHIN = "tests/unit/worker/test_runner_tracing.py::test_"

MUTANTS = [
    Mutant(
        "kinds-before-the-heartbeat",
        "a worker is listed with its kinds before it publishes them",
        (
            Change(
                _PRESENCE,
                "                await self._row.beat_if_due(state)\n"
                "                if turns % _ANNOUNCE_EVERY == 0:\n"
                "                    await self._announcer.announce(self._name)\n",
                "                if turns % _ANNOUNCE_EVERY == 0:\n"
                "                    await self._announcer.announce(self._name)\n"
                "                await self._row.beat_if_due(state)\n",
            ),
        ),
        f"{_SEEN}a_worker_is_listed_with_its_kinds_before_it_publishes_them",
    ),
    Mutant(
        "kind-of-a-living-worker-forgotten",
        "a kind stays as long as some worker knows it",
        (
            Change(
                "coordination.forgetting",
                "not any(_stands_for(worker",
                "not any(False and _stands_for(worker",
            ),
        ),
        f"{_SEEN}a_kind_that_another_worker_knows_stays",
    ),
    Mutant(
        "old-schema-put-back",
        "an older worker does not put the schema of its version over that of a newer one",
        (
            Change(
                "worker.announcing_kinds", "            if is_published_by(me, info.kind, workers, now)\n", ""
            ),
        ),
        f"{_SEEN}an_older_worker_leaves_the_schema_of_a_newer_one_alone",
    ),
    Mutant(
        "removed-kind-kept",
        "a kind that was taken out is forgotten once its workers were replaced",
        (Change("coordination.forgetting", "return not has_left_it_out and now", "return now"),),
        f"{_SEEN}a_kind_that_was_taken_out_is_forgotten_as_soon_as_the_worker_is_replaced",
    ),
    Mutant(
        "given-back-unheard",
        "the watch of a lock hears that the lock was given back",
        (
            Change(
                _WAKE_UPS,
                "WakeUp(name, body.job_id, released=body.released, slots=slots)",
                "WakeUp(name, body.job_id, slots=slots)",
            ),
        ),
        f"{_SETTLED}only_a_wake_up_of_a_lock_that_is_served_or_watched_here_is_answered_at_once",
    ),
    Mutant(
        "an-outage-ends-the-heartbeat",
        "a worker is seen again once the storage answers",
        (
            Change(
                _PRESENCE,
                "except UnknownOutcomeError as error:\n",
                "except UnknownOutcomeError as error:\n                return\n",
            ),
        ),
        f"{_SEEN}kinds_and_heartbeats_are_published_again_once_the_storage_answers",
    ),
    Mutant(
        "kinds-published-once",
        "kinds are published again every five minutes",
        (Change(_PRESENCE, "if turns % _ANNOUNCE_EVERY == 0:", "if turns == 0:"),),
        f"{_SEEN}kinds_are_published_at_once_and_then_every_five_minutes",
    ),
    Mutant(
        "missed-kinds-count",
        "kinds that could not be published are published with the next heartbeat",
        (
            Change(_PRESENCE, "                turns += 1\n", ""),
            Change(
                _PRESENCE,
                "                if turns % _ANNOUNCE_EVERY == 0:\n",
                "                turns += 1\n                if turns % _ANNOUNCE_EVERY == 1:\n",
            ),
        ),
        f"{_SEEN}kinds_of_which_only_some_were_published_are_all_published_again",
    ),
    Mutant(
        "heartbeat-of-the-past",
        "a heartbeat says what the worker runs now",
        (
            Change(
                _PRESENCE,
                "running=sorted(self._serving.running.values())",
                "running=sorted(self._serving.running)",
            ),
        ),
        f"{_SEEN}a_heartbeat_says_who_the_worker_is_and_what_it_runs_and_holds",
    ),
    Mutant(
        "settled-before-answered",
        "a wake-up is settled after it is answered",
        (
            Change(
                _WAKE_UPS,
                "        try:\n            answer = await self._dispatcher.answer(wake_up)\n",
                "        await message.ack()\n"
                "        try:\n            answer = await self._dispatcher.answer(wake_up)\n",
            ),
        ),
        f"{_SETTLED}a_wake_up_is_not_settled_before_it_is_answered",
    ),
    Mutant(
        "put-off-one-return-late",
        "a wake-up that came back ten times is put off",
        (Change(_WAKE_UPS, "_returns(message) < _RETURNS", "_returns(message) <= _RETURNS"),),
        f"{_SETTLED}a_wake_up_that_came_back_ten_times_is_put_off_and_then_settled",
    ),
    Mutant(
        "returns-that-are-no-failures-not-counted",
        "a wake-up that came back ten times is put off, also by RabbitMQ 4.3, which counts no failure for it",
        (Change(_WAKE_UPS, '("x-acquired-count", "x-delivery-count")', '("x-delivery-count",)'),),
        f"{_SETTLED}a_wake_up_that_came_back_ten_times_is_put_off_and_then_settled",
    ),
    Mutant(
        "dropped-when-not-put-off",
        "a wake-up that cannot be put off comes again",
        (
            Change(
                _WAKE_UPS,
                "        except UnknownOutcomeError:\n            await _let_come_again(message)\n"
                "        else:\n            await message.ack()\n",
                "        except UnknownOutcomeError:\n            pass\n        await message.ack()\n",
            ),
        ),
        f"{_SETTLED}a_wake_up_that_cannot_be_put_off_is_given_back_after_a_pause",
    ),
    Mutant(
        "more-than-one-wake-up",
        "a worker takes one wake-up at a time",
        (Change(_WAKE_UPS, "prefetch_count=1)", "prefetch_count=16)"),),
        f"{_SETTLED}a_worker_takes_one_wake_up_at_a_time_and_settles_it_by_hand",
    ),
    Mutant(
        "copy-becomes-a-wake-up",
        "a deferred copy stays one when it is passed on",
        (Change(_WAKE_UPS, "            is_deferred_copy=body.is_deferred_copy,\n", ""),),
        f"{_SETTLED}what_a_wake_up_says_is_passed_on",
    ),
    Mutant(
        "listens-after-the-stop",
        "a worker that stopped does not listen again",
        (
            Change(
                _WAKE_UPS,
                "            self._listening.cancel()\n            await asyncio.wait({self._listening})\n",
                "            pass\n",
            ),
        ),
        f"{_LISTENING}a_worker_that_stopped_does_not_listen_again",
    ),
    Mutant(
        "chained-job-pays-for-both",
        "of chained jobs each is charged with the storage calls it took",
        (
            Change(
                _OBSERVER,
                "            holding.calls = 0\n        phase",
                "            pass\n        phase",
            ),
        ),
        f"{_OBSERVED}of_chained_jobs_each_is_charged_with_what_it_took",
    ),
    Mutant(
        "closed-run-goes-on",
        "a run whose lease ended is not exported any longer",
        (
            Change(
                _OBSERVER,
                "            run.close()\n"
                "            self._tracing.so_far(run, time.time_ns(), failed=True)\n",
                "            self._tracing.so_far(run, time.time_ns(), failed=True)\n",
            ),
        ),
        f"{_OBSERVED}a_lease_that_ends_closes_the_run_and_counts_as_definitive_only_if_it_is_lost",
    ),
    Mutant(
        "pieces-of-one-length",
        "a long run with nothing new is exported in pieces that grow",
        (Change(_OPEN_RUNS, ">= max(told, _FIRST)", ">= _FIRST"),),
        f"{_STRETCHES}of_a_run_with_nothing_new_a_piece_is_told_whenever_it_is_twice_as_long",
    ),
    Mutant(
        "lost-run-without-its-span",
        "the worker that takes over exports the attempt of a lost one",
        (
            Change(
                _TRACING,
                "            self._attempt(job, ending, Phase(times.began, times.found), worker, moments)\n",
                "",
            ),
        ),
        f"{_LOST}what_the_lost_attempt_had_recorded_is_told_in_order",
    ),
    Mutant(
        "idle-lock-was-handed-over",
        "a lock that was idle until the job came was not handed over",
        (Change(_HAND_OVERS, " or (queued is not None and queued > since)", ""),),
        f"{_HANDED_OVER}a_lock_that_was_idle_until_the_job_came_was_not_handed_over",
    ),
    Mutant(
        "hand-over-in-the-journal",
        "a chained hand-over begins with the return of the handler before",
        (
            Change(
                _HAND_OVERS,
                "since = returned if cause is HandOverCause.CHAINED else _seconds(freed)",
                "since = _seconds(freed)",
            ),
        ),
        f"{_HANDED_OVER}a_chained_hand_over_lasts_from_one_handlers_return_to_the_next_ones_first_line",
    ),
    Mutant(
        "handlers-times-believed",
        "times of a handler that cannot be are dropped",
        (Change(_HAND_OVERS, "return start <= began <= ended <= now", "return True"),),
        f"{_HANDED_OVER}times_that_cannot_be_are_dropped_and_count_for_no_neighbour",
    ),
    Mutant(
        "exemplar-of-another-trace",
        "a measurement of a job without a trace leads to no other trace",
        (
            Change(
                _MEASUREMENTS,
                "return NO_TRACE if mine is None else child_of(mine)",
                "return Context() if mine is None else child_of(mine)",
            ),
        ),
        f"{_MEASURED}an_exemplar_leads_to_the_run_and_to_no_other_trace",
    ),
    Mutant(
        "steps-of-all-attempts",
        "the span of a lost run has what that attempt had recorded",
        (Change(_LOST_RUNS, "if event.attempt == job.attempt and not", "if not"),),
        f"{_LOST}what_the_lost_attempt_had_recorded_is_told_in_order",
    ),
    Mutant(
        "heartbeat-of-any-worker",
        "a take-over is measured from the lost worker's last heartbeat",
        (Change(_LOST_RUNS, "worker.worker == name and not is_later", "not is_later"),),
        f"{_LOST}the_take_over_is_measured_from_the_lost_workers_last_heartbeat",
    ),
    Mutant(
        "attempt-before-not-linked",
        "a start links to the attempt before",
        (Change(_TRACING, "anchor(seen.job, seen.job.attempt - 1)", "anchor(seen.job)"),),
        f"{_SPANS}a_start_links_to_the_attempt_before_and_to_the_job_that_was_cut_off",
    ),
    Mutant(
        "steps-of-the-run-before",
        "a step's span is never taken for one of another run",
        (Change(_RUNNER, "self._done, self._send = {}, send", "self._send = send"),),
        f"{_WITHIN}what_one_run_left_is_not_taken_for_the_next_ones",
    ),
]
