"""That a message of another queue becomes one job, and that none is dropped."""

from tests.mutants.mutant import Change, Mutant

_SUBMISSION = "tests/unit/inputs/test_message_submission.py::test_"
_RECEIVER = "tests/unit/inputs/test_receiver.py::test_"
_MAPPING = "tests/unit/inputs/test_mapping.py::test_"

MUTANTS = [
    Mutant(
        "input-id-of-its-name",
        "an input that gets a new name finds the jobs of its messages",
        (
            Change(
                "inputs.configuration",
                "        return self.definition.identity or self.name\n",
                "        return self.name\n",
            ),
        ),
        f"{_SUBMISSION}an_input_with_a_new_name_and_its_old_identity_finds_its_jobs",
    ),
    Mutant(
        "input-reused-id",
        "another message with a used id is refused, not taken for the first",
        (
            Change(
                "inputs.message_submission",
                "                if error.same_request:\n",
                "                if not error.is_closed:\n",
            ),
        ),
        f"{_SUBMISSION}the_same_id_with_other_content_is_refused",
    ),
    Mutant(
        "input-closed-id",
        "a message whose id was closed becomes a job all the same",
        (
            Change(
                "inputs.message_submission",
                "                if error.is_closed:\n                    continue\n",
                "",
            ),
        ),
        f"{_SUBMISSION}an_id_that_was_closed_gives_way_to_another_one_for_good",
    ),
    Mutant(
        "input-refuses-what-is-a-job",
        "a redelivery finds its job before it is judged by a kind that has changed",
        (
            Change(
                "inputs.message_submission",
                "                if found := await self.find(delivery):\n",
                "                if found := None:\n",
            ),
        ),
        f"{_SUBMISSION}a_redelivery_finds_its_job_although_its_kind_has_changed",
    ),
    Mutant(
        "input-order-by-arrival",
        "the place in line is that of the queue, whichever instance is first",
        (
            Change(
                "inputs.message_submission",
                "            order = ordered_id(delivery.enqueued_at, delivery.sequence)\n",
                "            order = None\n",
            ),
        ),
        f"{_SUBMISSION}the_place_in_line_is_that_of_the_queue",
    ),
    Mutant(
        "input-pulls-during-outage",
        "an outage of the storage is not spent on deliveries",
        (
            Change(
                "inputs.handling",
                "                if error.pauses_input:\n",
                "                if False:\n",
            ),
        ),
        f"{_RECEIVER}an_outage_of_the_storage_costs_no_message_and_no_deliveries",
    ),
    Mutant(
        "input-delivers-for-ever",
        "a message that never becomes a job is set aside after some deliveries",
        (
            Change(
                "inputs.handling",
                "        if delivery.deliveries is None or delivery.deliveries <= most:\n",
                "        if delivery.deliveries is None or most:\n",
            ),
        ),
        f"{_RECEIVER}what_was_delivered_too_often_is_set_aside_with_a_reason",
    ),
    Mutant(
        "input-not-kept",
        "a message is held as long as it is handled",
        (
            Change(
                "inputs.handling",
                "                await input_.keep(delivery)\n",
                "                pass\n",
            ),
        ),
        f"{_RECEIVER}a_message_is_held_as_long_as_it_is_handled",
    ),
    Mutant(
        "input-session-passed",
        "no message of a session passes one that was given back",
        (
            Change(
                "inputs.receiver",
                "                if breaks == session.breaks:\n",
                "                if True:\n",
            ),
        ),
        f"{_RECEIVER}messages_of_a_session_are_taken_in_order_and_none_passes_one_that_was_given_back",
    ),
    Mutant(
        "input-deaf",
        "a queue that answers nothing is connected to again",
        (
            Change(
                "inputs.receiver",
                "            input_ = self._open()\n",
                "            input_ = getattr(self, 'first', None) or self._open()\n"
                "            self.first = input_\n",
            ),
        ),
        f"{_RECEIVER}a_queue_that_is_away_is_connected_to_again",
    ),
    Mutant(
        "input-empty-place",
        "a lock is not made of an empty text",
        (
            Change(
                "inputs.templates",
                "    if not str(value).strip():\n",
                "    if False:\n",
            ),
        ),
        f"{_MAPPING}a_message_that_makes_no_job_is_refused_with_the_field_and_the_remedy",
    ),
]
