"""The job whose effects an effect sink judges."""

import threading
from collections.abc import Iterator

import pytest
from loadtest.effect_sink.ledger import Ledger
from loadtest.effect_sink.server import EffectServer
from pydantic import ValidationError

from sample_jobs import effect_client
from sample_jobs.send_effects import EffectFailedError, SendEffects, send_effects
from turnstile.testing import InMemoryChannel, run_job


@pytest.fixture
def sink(tmp_path) -> Iterator[str]:
    server = EffectServer("127.0.0.1", 0, Ledger(tmp_path / "effects.jsonl"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_it_has_one_effect_in_each_step_and_none_twice(sink, tmp_path):
    channel = InMemoryChannel()
    with pytest.raises(EffectFailedError, match="effect 2"):
        await run_job(send_effects, {"sink": sink, "steps": 3, "fail_at": 2}, channel=channel)
    answer = await run_job(send_effects, {"sink": sink, "steps": 3}, channel=channel)
    assert answer == {"steps": 3, "done_before": 1}
    steps = [line.split('"step": ')[1].split(",")[0] for line in _lines(tmp_path)]
    assert steps == ['"effect 1"', '"effect 2"', '"effect 2"', '"effect 3"']


async def test_a_stale_fence_has_no_effect(sink, tmp_path):
    await run_job(send_effects, {"sink": sink}, fence=7)
    with pytest.raises(effect_client.RefusedEffectError):
        await run_job(send_effects, {"sink": sink}, fence=6)
    assert ["true" in line.split('"accepted": ')[1] for line in _lines(tmp_path)] == [True, False]


@pytest.mark.parametrize(
    "elsewhere", ["10.0.0.1:80", "127.0.0.1", "169.254.169.254:80", "127.0.0.1:80/x", "127.0.0.1:80@evil:1"]
)
def test_it_calls_no_other_machine(elsewhere):
    with pytest.raises(ValidationError):
        SendEffects(sink=elsewhere)


def _lines(tmp_path):
    return (tmp_path / "effects.jsonl").read_text().splitlines()
