"""Messages, settings and telemetry of every service: announcements, quarantine, redaction, relayed spans."""

from tests.mutants.mutant import Change, Mutant

_TESTS = "tests/unit/service_defaults/test_"
_ANNOUNCING = f"{_TESTS}announcing.py::test_"
_SILENT = f"{_TESTS}silent_broker.py::test_"

MUTANTS = [
    Mutant(
        "every-caller-waits-for-a-silent-broker",
        "after one wake-up that was not confirmed, no submission waits for RabbitMQ",
        (
            Change(
                "service_defaults.broker.notifier",
                "        if not self.watch.is_answering:\n            raise",
                "        if False:\n            raise",
            ),
        ),
        f"{_SILENT}after_one_wake_up_that_was_not_confirmed_no_caller_waits",
    ),
    Mutant(
        "silent-broker-given-up",
        "once RabbitMQ is back, wake-ups are sent again",
        (
            Change(
                "coordination.broker_watch",
                "            self._set(is_answering=True)\n        finally:",
                "        finally:",
            ),
        ),
        f"{_SILENT}once_a_probe_is_confirmed_wake_ups_are_published_again",
    ),
    Mutant(
        "wrong-setting-passed-over",
        "a stack checks the settings of every service before it starts anything",
        (
            Change(
                "deploy.stack.checks",
                "        yield from complaints_about(settings_class, environment)\n",
                "        yield from complaints_about(settings_class, {}) if in_containers else []\n",
            ),
        ),
        "tests/unit/test_every_setting.py::test_all_wrong_settings_are_named_at_once",
    ),
    Mutant(
        "unconfirmed-announcement-forgotten",
        "recorded events are announced until the broker confirms them",
        (
            Change(
                "service_defaults.broker.announcing",
                "        except NotConfirmedError:\n            return False\n",
                "        except NotConfirmedError:\n            return True\n",
            ),
        ),
        f"{_ANNOUNCING}an_announcement_is_published_until_it_is_confirmed",
    ),
    Mutant(
        "newest-announcement-dropped",
        "of too many announcements the oldest are dropped",
        (
            Change(
                "service_defaults.broker.announcing",
                "            self._waiting.popleft()\n            self._sent = max(",
                "            self._waiting.pop()\n            self._sent = max(",
            ),
        ),
        f"{_ANNOUNCING}too_many_announcements_cost_the_oldest_ones",
    ),
    Mutant(
        "finalized-job-listed-by-its-message",
        "the rows in a message say all that lists show of a job",
        (Change("service_defaults.broker.announcing", '        "finalized_at",\n', ""),),
        "tests/unit/audit_projector/test_believing.py::test_a_sealed_message_says_that_a_job_was_finalized",
    ),
    Mutant(
        "closing-without-waiting",
        "a service that ends publishes what was announced before",
        (
            Change(
                "service_defaults.broker.announcing",
                "                await self._drained.wait()\n",
                "                await asyncio.sleep(0)\n",
            ),
        ),
        f"{_ANNOUNCING}closing_waits_for_what_was_announced_last",
    ),
    Mutant(
        "seal-of-any-key",
        "a seal is made with the installation's key",
        (
            Change(
                "service_defaults.broker.seal",
                "hmac.digest(self._key, _PURPOSE + body",
                'hmac.digest(b"key", _PURPOSE + body',
            ),
        ),
        f"{_TESTS}seal.py::test_another_body_another_key_and_another_name_do_not_fit",
    ),
    Mutant(
        "deferred-wake-up-sent-at-once",
        "a deferred wake-up waits for its time",
        (
            Change(
                "service_defaults.broker.notifier",
                'self._publish_wake_up(wake_up, self._delay_key, "deferred")',
                'self._publish_wake_up(wake_up, names.RUN, "deferred")',
            ),
        ),
        f"{_TESTS}notifier.py::test_a_deferred_wake_up_waits_in_the_queue_of_its_time_and_keeps_its_trace",
    ),
    Mutant(
        "full-queue-drops-silently",
        "a queue that is full refuses a message instead of dropping an older one",
        (
            Change(
                "service_defaults.broker.topology",
                '            "x-dead-letter-routing-key": names.QUARANTINE,\n'
                '            "x-dead-letter-strategy": "at-least-once",\n'
                '            "x-overflow": "reject-publish",\n',
                '            "x-dead-letter-routing-key": names.QUARANTINE,\n'
                '            "x-dead-letter-strategy": "at-least-once",\n',
            ),
        ),
        f"{_TESTS}topology.py::test_a_message_that_cannot_be_handled_ends_in_quarantine",
    ),
    Mutant(
        "poison-lost-without-a-confirmation",
        "a message is taken off its queue only when quarantine has it",
        (
            Change(
                "service_defaults.broker.message_reader",
                "            await message.reject()\n            return\n",
                "            pass\n",
            ),
        ),
        f"{_TESTS}quarantine.py::"
        "test_without_a_confirmation_the_message_is_rejected_and_not_taken_off_as_done",
    ),
    Mutant(
        "field-named-twice-accepted",
        "a body that two readers would read differently is not understood",
        (
            Change(
                "service_defaults.broker.message_reader",
                "        strict_json.parse(body, strict_json.MAX_MESSAGE_DEPTH)\n",
                "",
            ),
        ),
        f"{_TESTS}message_reader.py::test_what_no_reader_would_understand_is_refused_wherever_it_stands",
    ),
    Mutant(
        "password-of-an-address-shown",
        "the password in an address is masked wherever it stands alone",
        (
            Change(
                "service_defaults.secrets",
                "                yield address.password\n",
                "                yield secret\n",
            ),
        ),
        f"{_TESTS}secrets.py::test_a_part_of_a_setting_is_as_secret_as_the_whole",
    ),
    Mutant(
        "container-taken-for-a-host",
        "all processes of a host have one host id, in containers too",
        (
            Change(
                "service_defaults.identity",
                "        return boot_id.read_text().strip() or socket.gethostname()\n",
                "        return socket.gethostname()\n",
            ),
        ),
        f"{_TESTS}identity.py::test_a_host_has_one_id_which_no_file_of_a_container_changes",
    ),
    Mutant(
        "service-called-as-others",
        "a service has a name that another system's service does not have",
        (
            Change(
                "service_defaults.telemetry_settings",
                "cls.source.service_name)",
                "str(cls.source))",
            ),
        ),
        f"{_TESTS}identity.py::test_it_names_the_service_and_its_process",
    ),
    Mutant(
        "span-of-another-trace-relayed",
        "a runner's spans appear in the trace of its own run only",
        (
            Change(
                "service_defaults.span_relay",
                "if int(span.trace_id, 16) == anchor.trace_id and len(ids) == 3",
                "if len(ids) == 3",
            ),
        ),
        f"{_TESTS}span_relay.py::test_malformed_spans_are_dropped",
    ),
    Mutant(
        "far-timestamp-ends-the-connection",
        "a message is read with any properties",
        (
            Change(
                "service_defaults.broker.faststream_internals",
                '    decode.TABLE_MAPPING[b"T"] = _timestamp\n',
                "",
            ),
        ),
        f"{_TESTS}decoding.py::test_a_header_that_cannot_be_read_leaves_the_others",
    ),
]
