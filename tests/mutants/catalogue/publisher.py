"""The publisher: submissions, questions, streams, cancellation, problems."""

from tests.mutants.mutant import Change, Mutant

_TESTS = "tests/unit/publisher/test_"

MUTANTS = [
    Mutant(
        "second-key-ignored",
        "a request with two idempotency keys is refused",
        (Change("publisher.http.parameters", "if len(request.headers.getlist(name)) > 1", "if False"),),
        "tests/unit/publisher/test_idempotency_keys.py::test_a_header_that_is_there_twice_is_refused_by_its_name",
    ),
    Mutant(
        "place-counted-to-the-end",
        "a long line makes no question expensive",
        (
            Change(
                "publisher.use_cases.jobs",
                "        elif passed == MOST_COUNTED:\n",
                "        elif passed == -1:\n",
            ),
        ),
        f"{_TESTS}places_in_line.py::test_places_far_behind_are_not_counted",
    ),
    Mutant(
        "patterns-that-go-back",
        "a pattern of a kind's parameters costs no more than its text is long",
        (
            Change(
                "submission.schemas",
                "_ENGINES = (RegexOptions(), FancyRegexOptions(backtrack_limit=100_000))",
                "_ENGINES = (RegexOptions(), FancyRegexOptions(backtrack_limit=1_000_000_000))",
            ),
        ),
        "tests/unit/submission/test_parameters.py"
        "::test_a_pattern_for_an_engine_that_goes_back_is_given_up_and_left_to_the_worker",
    ),
    Mutant(
        "formats-not-checked",
        "a text that is no time where a time is wanted is refused at submission",
        (Change("submission.schemas", "validate_formats=True", "validate_formats=False"),),
        "tests/unit/submission/test_parameters.py::test_a_format_fits_what_the_model_reads",
    ),
    Mutant(
        "other-names-refused",
        "a submission may use every name by which the model takes a field",
        (
            Change(
                "turnstile.parameter_schema",
                "            if others and first in properties:\n",
                "            if first not in properties:\n",
            ),
        ),
        "tests/unit/turnstile/test_parameter_schema.py::test_a_schema_accepts_and_refuses_what_its_model_does",
    ),
    Mutant(
        "conflicts-without-a-guard",
        "of two submissions at once that reject a busy lock, one is accepted",
        (
            Change(
                "coordination.clients.conflicts",
                "        else Update(rows.SUBMISSION_GUARD, values, found.guard.etag)\n    )\n",
                "        else Update(rows.SUBMISSION_GUARD, values, found.guard.etag)\n    )\n"
                "    made.operations.clear()\n",
            ),
        ),
        "tests/unit/coordination/test_conflicts.py::test_of_two_rejects_at_once_exactly_one_is_accepted",
    ),
    Mutant(
        "starts-overlooked",
        "a job that is started while the lock is looked at keeps it busy",
        (
            Change(
                "coordination.clients.conflicts",
                "        if (now and now.etag) != (lock and lock.etag):\n",
                "        if False:\n",
            ),
        ),
        "tests/unit/coordination/test_conflicts.py"
        "::test_a_job_that_is_started_or_cut_off_meanwhile_keeps_the_lock_busy",
    ),
    Mutant(
        "losers-stay-registered",
        "a submission that lost against another leaves no id behind",
        (
            Change(
                "coordination.clients.submission",
                "                if is_registered and new.has_new_id:\n",
                "                if False:\n",
            ),
        ),
        "tests/unit/coordination/test_conflicts.py::test_of_two_rejects_at_once_exactly_one_is_accepted",
    ),
    Mutant(
        "replaced-after-a-start",
        "a job is either replaced or started",
        (
            Change(
                "coordination.clients.conflicts",
                "            GuardedUpdate(rows.job_key(waiting.job_id), ended.changes(waiting), ticket.key),\n"
                "            Delete(ticket.key, ticket.etag),\n",
                "",
            ),
        ),
        "tests/unit/coordination/test_conflicts.py::test_a_job_is_either_replaced_or_started",
    ),
    Mutant(
        "keys-by-chance",
        "a repeated idempotency key is the same job",
        (Change("submission.service", "id_of_key(actor, key)", "new_id()"),),
        f"{_TESTS}idempotency_keys.py::test_ten_at_once_with_one_key_are_one_job",
    ),
    Mutant(
        "keys-of-all-actors",
        "each actor has idempotency keys of its own",
        (Change("submission.service", "id_of_key(actor, key)", 'id_of_key("", key)'),),
        f"{_TESTS}idempotency_keys.py::test_each_actor_and_each_key_has_jobs_of_its_own",
    ),
    Mutant(
        "keys-of-any-request",
        "an idempotency key of another request is refused",
        (
            Change(
                "submission.service",
                "            if error.job is None or not error.same_request:\n",
                "            if error.job is None:\n",
            ),
        ),
        f"{_TESTS}idempotency_keys.py::test_a_key_of_another_request_is_refused_with_the_name_of_the_header",
    ),
    Mutant(
        "line-in-order-of-callers-ids",
        "first come, first served, independent of the ids that callers choose",
        (Change("submission.service", "order or new_id()", "order or job_id"),),
        f"{_TESTS}repeating.py::test_first_come_is_first_served_whatever_ids_callers_choose",
    ),
    Mutant(
        "requests-compared-as-written",
        "the same request in another order of its fields is the same request",
        (Change("contracts.strict_json", "sort_keys=True, ", ""),),
        f"{_TESTS}repeating.py::test_the_same_request_in_another_spelling_has_nothing_left_to_do",
    ),
    Mutant(
        "requests-without-their-description",
        "a request that differs in any field is another request",
        (
            Change(
                "coordination.clients.submission",
                "self.name, self.description, self.priority",
                "self.name, self.priority",
            ),
        ),
        f"{_TESTS}repeating.py::test_another_request_under_a_used_id_is_refused_and_changes_nothing",
    ),
    Mutant(
        "closed-id-named-as-a-job",
        "an id that was closed leads to no job",
        (Change("publisher.http.problems", "    if error.is_closed:\n", "    if False:\n"),),
        f"{_TESTS}repeating.py::test_whoever_submits_a_closed_id_is_told_to_take_a_new_one",
    ),
    Mutant(
        "unconfirmed-under-another-id",
        "a submission without an answer names the id to repeat it with",
        (
            Change(
                "submission.service",
                "raise SubmissionUnknownError(job_id, key)",
                "raise SubmissionUnknownError(new_id(), key)",
            ),
        ),
        f"{_TESTS}problems.py::test_a_submission_that_was_not_confirmed_names_the_id_to_repeat_it_with",
    ),
    Mutant(
        "last-of-two-fields",
        "a field that is there twice is refused",
        (Change("contracts.strict_json", "        if name in document:\n", "        if False:\n"),),
        "tests/unit/contracts/test_strict_json.py::test_what_readers_understand_differently_is_refused_with_the_reason",
    ),
    Mutant(
        "bodies-of-any-size",
        "no more of a body is read than it may have, also when its length header is wrong",
        (
            Change(
                "publisher.http.request_body",
                "            if len(body) > most_bytes:\n",
                "            if False:\n",
            ),
        ),
        f"{_TESTS}request_body.py::test_one_byte_more_is_refused_when_it_comes",
    ),
    Mutant(
        "kinds-never-read-again",
        "a kind that a worker has just published is known",
        (
            Change(
                "submission.kinds",
                "        if kind not in self._kinds:\n            await",
                "        if False:\n            await",
            ),
        ),
        f"{_TESTS}kinds.py::test_a_kind_published_a_moment_ago_is_known",
    ),
    Mutant(
        "kinds-younger-than-they-are",
        "kinds are read again when they are older than two seconds",
        (Change("submission.kinds", "= kinds, schemas, asked_at", "= kinds, schemas, self.clock.boot()"),),
        f"{_TESTS}kinds.py::test_the_age_of_the_kinds_counts_from_when_they_were_asked_for",
    ),
    Mutant(
        "cancellation-without-a-hint",
        "the worker of a cancelled job gets a hint at once",
        (
            Change(
                "publisher.use_cases.cancelling", "if job.status == JobStatus.RUNNING:", "if job.is_terminal:"
            ),
        ),
        f"{_TESTS}cancelling.py::test_the_worker_of_a_running_job_gets_a_hint",
    ),
    Mutant(
        "pages-that-leave-out-an-event",
        "a page begins with the event after the last one of the page before",
        (Change("publisher.use_cases.events", "events[limit - 1].seq", "events[limit].seq"),),
        f"{_TESTS}job_events.py::test_a_page_begins_behind_its_cursor_and_names_its_own_last_event",
    ),
    Mutant(
        "places-of-those-who-are-named",
        "a place in line counts all who wait ahead, however long the line is",
        (
            Change(
                "publisher.use_cases.jobs",
                "            passed += 1\n",
                "            passed = len(ahead) + 1\n",
            ),
        ),
        f"{_TESTS}places_in_line.py::test_the_first_ten_ahead_are_named_in_order_and_all_are_counted",
    ),
    Mutant(
        "missing-result-is-null",
        "a result that cannot be found is not reported as none",
        (
            Change(
                "publisher.use_cases.jobs", "        raise UnknownOutcomeError\n", '        return "null"\n'
            ),
        ),
        f"{_TESTS}documents.py::test_a_long_result_that_is_not_there_is_no_empty_result",
    ),
    Mutant(
        "stream-ends-before-the-end",
        "a stream ends with the job's last event",
        (
            Change(
                "publisher.use_cases.stream",
                "seen.job.is_terminal and self.after >= seen.job.seq",
                "seen.job.is_terminal",
            ),
        ),
        f"{_TESTS}stream_times.py::test_a_stream_ends_with_the_last_event_even_when_it_is_read_after_the_jobs_end",
    ),
    Mutant(
        "stream-forgets-what-it-said",
        "a stream sends each event once",
        (
            Change(
                "publisher.use_cases.stream",
                "self.after = max([self.after, *(event.seq for event in seen.events)])",
                "pass",
            ),
        ),
        f"{_TESTS}stream_times.py::test_a_broken_stream_tells_each_event_behind_the_last_one_once",
    ),
    Mutant(
        "followers-look-each-for-themselves",
        "many who follow one job read as much as one",
        (
            Change(
                "publisher.use_cases.job_looks",
                "self.clock.boot() - self._looked_at >= self.good_for",
                "self.clock.boot() - self._looked_at >= 0",
            ),
            Change("publisher.use_cases.job_looks", "if self._under_way is None:", "if True:"),
        ),
        f"{_TESTS}followers.py::test_five_hundred_followers_of_a_job_read_as_much_as_one",
    ),
    Mutant(
        "waiting-callers-not-counted",
        "followers and callers who wait for a result are limited together",
        (
            Change(
                "publisher.use_cases.results",
                "        self.stream.check_room()\n",
                "",
            ),
        ),
        f"{_TESTS}results.py::test_followers_and_waiting_callers_are_limited_together",
    ),
    Mutant(
        "waits-for-callers-that-have-gone",
        "a request whose caller has gone takes no place of others",
        (Change("publisher.use_cases.results", " or await is_gone()", ""),),
        f"{_TESTS}results.py::test_a_caller_that_has_gone_is_not_waited_for",
    ),
    Mutant(
        "failure-answered-as-a-result",
        "only a completed job has a result",
        (
            Change(
                "publisher.use_cases.results",
                "        if job.status != JobStatus.COMPLETED:\n            raise NoResultError(job)\n",
                "",
            ),
        ),
        f"{_TESTS}results.py::test_a_problem_says_why_there_is_no_result",
    ),
    Mutant(
        "follower-trusts-a-waiting-callers-look",
        "a follower gets each event, also where a caller who waits for the result looked first",
        (
            Change(
                "publisher.use_cases.job_looks",
                "if job.seq > self._last or self._needs_line(job):",
                "if self._needs_line(job):",
            ),
        ),
        f"{_TESTS}results.py::test_a_follower_misses_nothing_where_a_waiting_caller_looked_first",
    ),
    Mutant(
        "end-withheld-from-who-comes-back",
        "a follower who lacks the last event gets it",
        (
            Change(
                "publisher.use_cases.stream",
                "job.is_terminal and after >= job.seq else",
                "job.is_terminal and after >= job.seq - 1 else",
            ),
        ),
        f"{_TESTS}stream.py::test_a_follower_who_lacks_the_end_alone_gets_it",
    ),
    Mutant(
        "redelivery-quarantined",
        "a command that is delivered again is a success",
        (
            Change(
                "submission.patience",
                "return None if error.same_request else str(error)",
                "return str(error)",
            ),
        ),
        f"{_TESTS}commands.py::test_a_redelivery_submits_nothing_and_is_a_success",
    ),
    Mutant(
        "conflicting-command-dropped",
        "a command whose id another job has is quarantined",
        (Change("submission.patience", "return None if error.same_request else str(error)", "return None"),),
        f"{_TESTS}commands.py::test_what_is_refused_is_quarantined_with_the_reason_and_no_second_job_is_made",
    ),
    Mutant(
        "command-given-up-at-once",
        "a command waits for the storage to come back",
        (Change("submission.patience", "if self.clock.boot() + self.pause > until:", "if True:"),),
        f"{_TESTS}commands.py::test_a_command_waits_up_to_twenty_minutes_for_the_storage_to_come_back",
    ),
    Mutant(
        "idle-lock-with-a-holder",
        "a lock that was released has no holder",
        (
            Change(
                "publisher.use_cases.locks",
                'held = lock is not None and lock.job_id != ""',
                "held = lock is not None",
            ),
        ),
        f"{_TESTS}locks.py::test_a_lock_given_back_has_no_holder",
    ),
    Mutant(
        "misspelt-filters-ignored",
        "a filter that the list of jobs does not know is refused",
        (Change("publisher.http.job_filters", 'extra="forbid"', 'extra="ignore"'),),
        f"{_TESTS}listing_jobs.py::test_a_wrong_filter_is_refused_by_its_name_with_the_remedy",
    ),
    Mutant(
        "two-values-of-a-property",
        "no job meets two values of one property",
        (Change("publisher.http.job_filters", "len(properties) < len(set(self.property))", "False"),),
        f"{_TESTS}listing_jobs.py::test_no_job_has_two_values_of_one_property",
    ),
    Mutant(
        "docs-from-the-internet",
        "the page /docs loads nothing from another host",
        (
            Change(
                "publisher.http.docs_page", '        swagger_js_url=f"{_FILES}/swagger-ui-bundle.js",\n', ""
            ),
        ),
        f"{_TESTS}docs_page.py::test_nothing_that_the_page_loads_is_on_another_host_and_all_of_it_is_there",
    ),
    Mutant(
        "unprintable-actors",
        "an actor that cannot stand in the audit trail is refused, from whatever side the job comes",
        (Change("submission.service", "            actor = usable_actor(actor)\n", "            pass\n"),),
        "tests/unit/submission/test_service.py::"
        "test_what_can_never_be_accepted_names_the_field_and_uses_no_id",
    ),
]
