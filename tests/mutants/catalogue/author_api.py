"""The job author's API: steps, state, progress, parameters, reasons to stop."""

from tests.mutants.mutant import Change, Mutant

_STEPS = "tests/unit/turnstile/test_steps.py::test_"
_RETRIED = "tests/unit/turnstile/test_retried_steps.py::test_"
_NESTED = "tests/unit/turnstile/test_nested_steps.py::test_"
_RECORDS = "tests/unit/turnstile/test_step_records.py::test_"
_STATE = "tests/unit/turnstile/test_state.py::test_"
_CONTEXT = "tests/unit/turnstile/test_context.py::test_"
_KINDS = "tests/unit/turnstile/test_kinds.py::test_"
_LOADING = "tests/unit/turnstile/test_loading.py::test_"
_VALUES = "tests/unit/turnstile/test_values.py::test_"
_TESTING = "tests/unit/turnstile/test_testing.py::test_"

MUTANTS: list[Mutant] = [
    Mutant(
        "state-lost-in-a-skipped-step",
        "state saved inside a step that is skipped is saved at once",
        (Change("turnstile.open_steps", "return self.is_open and not self.done", "return self.is_open"),),
        f"{_STATE}state_saved_inside_a_skipped_step_is_saved_at_once",
    ),
    Mutant(
        "state-of-a-refused-step-kept",
        "state becomes the run's only once the step it came with is committed",
        (
            Change(
                "turnstile.context",
                "        await self.unheard_records.wait(record, self._channel.record_step(record))\n",
                "        self._take_over(record.state)\n"
                "        await self.unheard_records.wait(record, self._channel.record_step(record))\n",
            ),
        ),
        f"{_RECORDS}a_step_that_can_never_be_recorded_raises_and_keeps_its_state_back",
    ),
    Mutant(
        "steps-not-awaited",
        "the handler continues only once a step is committed",
        (
            Change(
                "turnstile.context",
                "        self._channel.record_step(record).result()\n",
                "        self._channel.record_step(record)\n",
            ),
        ),
        f"{_RECORDS}a_step_of_a_plain_handler_ends_once_its_record_is_committed",
    ),
    Mutant(
        "failed-step-recorded",
        "a step that is left by an error leaves no record",
        (
            Change(
                "turnstile.steps",
                "            if kind is None and not self.done:\n                await self._context.commit_step",
                "            if not self.done:\n                await self._context.commit_step",
            ),
        ),
        f"{_STEPS}a_step_left_by_an_error_leaves_no_record_and_no_state",
    ),
    Mutant(
        "recorded-steps-unchecked",
        "every step asks on entry whether the run should stop, also one that is skipped",
        (
            Change(
                "turnstile.open_steps",
                "        self._context.check()\n\n    def _begin",
                "        if not self.done:\n            self._context.check()\n\n    def _begin",
            ),
        ),
        f"{_STEPS}a_recorded_step_is_not_entered_when_the_run_should_stop",
    ),
    Mutant(
        "repeated-steps-share-a-record",
        "the second step of a name has a record of its own",
        (
            Change(
                "turnstile.open_steps",
                "recorded = self._names.result(self.name, self._place)",
                "recorded = self._names.result(self.short_name, self._place)",
            ),
        ),
        f"{_STEPS}a_repeated_name_that_was_recorded_is_skipped_by_its_number",
    ),
    Mutant(
        "idempotency-key-changes",
        "an idempotency key stays the same in every attempt",
        (
            Change(
                "turnstile.context",
                'return f"{self.job_id}/{step.key_name',
                'return f"{self.job_id}/{self.attempt}/{step.key_name',
            ),
        ),
        f"{_CONTEXT}an_idempotency_key_belongs_to_one_step_of_one_job",
    ),
    Mutant(
        "failed-step-counted",
        "a step that is left by an error gives its number back, so that a retry has the same name and key",
        (Change("turnstile.step_names", "self._highest[name] -= 1", "pass"),),
        f"{_RETRIED}a_step_tried_again_in_a_task_of_its_own_keeps_its_name",
    ),
    Mutant(
        "number-goes-to-another-task",
        "a number left side by side goes to no other task",
        (
            Change(
                "turnstile.step_names",
                "    return task or threading.current_thread()",
                "    return StepNumbers",
            ),
        ),
        f"{_RETRIED}a_number_left_side_by_side_belongs_to_no_other_task",
    ),
    Mutant(
        "unheard-record-forgotten",
        "a retry waits for the record of the last try, which may be on its way to the journal",
        (Change("turnstile.unheard_records", "            self._sent[record.name] = (sent, record)\n", ""),),
        f"{_RETRIED}a_retry_waits_for_a_record_whose_commit_was_not_waited_for",
    ),
    Mutant(
        "old-records-by-the-new-rule",
        "an attempt of old records continues by the old naming rule",
        (Change("turnstile.step_names", "self.is_placed = naming >= NAMING", "self.is_placed = True"),),
        f"{_RETRIED}an_attempt_of_old_records_continues_by_the_old_rule",
    ),
    Mutant(
        "outer-name-left-out",
        "a step inside a step has the outer name as a part of its own",
        (Change("turnstile.step_names", 'f"{place.name}/{name}" if place.name else name', "name"),),
        f"{_NESTED}a_step_inside_a_step_has_the_names_of_both_and_numbers_of_its_own",
    ),
    Mutant(
        "inner-step-done-again",
        "a recorded step inside a step that is tried again is not done again",
        (Change("turnstile.step_names", "{})[whole] = result", "{})[name] = result"),),
        f"{_NESTED}a_step_inside_a_retried_step_is_done_once",
    ),
    Mutant(
        "names-that-collapse",
        "two steps that would have one name are refused",
        (Change("turnstile.step_names", "if origin != (place, name):", "if False:"),),
        f"{_NESTED}two_steps_whose_names_would_be_one_are_refused",
    ),
    Mutant(
        "loss-looks-like-a-cancellation",
        "a handler whose worker may have lost the lock learns that it must not act outside any more",
        (Change("turnstile.context", "    StopReason.LOST: DeadlinePassedError,\n", ""),),
        f"{_CONTEXT}check_and_the_next_step_raise_when_the_run_should_stop",
    ),
    Mutant(
        "progress-limit-forgotten",
        "progress without a limit keeps the last one",
        (
            Change(
                "turnstile.context",
                '(shown, self._progress[1] if limit is None else finite(limit, "the limit"))',
                "(shown, limit)",
            ),
        ),
        f"{_CONTEXT}progress_keeps_its_limit_and_shows_the_step",
    ),
    Mutant(
        "outer-step-hidden",
        "after an inner step the outer one is shown again",
        (
            Change(
                "turnstile.open_steps",
                'self._context.show_step(self._before.name if self._before else "")',
                'self._context.show_step("")',
            ),
        ),
        f"{_STEPS}after_a_step_the_outer_step_is_shown_again",
    ),
    Mutant(
        "characters-counted-as-bytes",
        "the size of a kept value counts bytes of UTF-8",
        (Change("turnstile.values", "size = len(text.encode())", "size = len(text)"),),
        f"{_VALUES}what_cannot_be_kept_is_refused_with_the_steps_name_and_the_size",
    ),
    Mutant(
        "largest-value-refused",
        "a value may have exactly 262,144 bytes",
        (Change("turnstile.values", "if size > MAX_BYTES:", "if size >= MAX_BYTES:"),),
        f"{_VALUES}the_largest_value_can_be_kept",
    ),
    Mutant(
        "keys-that-collapse",
        "keys of a dict that would become one in JSON are refused",
        (Change("turnstile.values", "if len(set(keys)) != len(keys):", "if False:"),),
        f"{_VALUES}keys_that_would_become_one_are_refused",
    ),
    Mutant(
        "handler-without-a-name",
        "a handler whose function name is used again is refused",
        (Change("turnstile.loading", "        if id(kind) not in found:", "        if False:"),),
        f"{_LOADING}a_handler_whose_function_name_is_used_again_is_refused_by_its_kind_and_line",
    ),
    Mutant(
        "timeout-of-nothing",
        "a kind's timeout is longer than nothing",
        (Change("turnstile.kinds", "timeout <= timedelta(0)", "timeout < timedelta(0)"),),
        f"{_KINDS}a_timeout_of_nothing_is_refused",
    ),
    Mutant(
        "input-shown-in-an-error",
        "an error of parameters names the field and does not show what was sent",
        (
            Change(
                "turnstile.kinds", "{item['msg']}\" for item", "{item['msg']} {item.get('input')}\" for item"
            ),
            Change("turnstile.kinds", "include_input=False", "include_input=True"),
        ),
        f"{_KINDS}parameters_that_do_not_fit_are_named_field_by_field",
    ),
    Mutant(
        "tests-repeat-a-fence",
        "in tests, too, the next attempt has a higher fence",
        (Change("turnstile.testing", "fence=fence + channel.attempts", "fence=fence"),),
        f"{_TESTING}each_call_with_one_channel_is_the_next_attempt",
    ),
]
