"""Messages nobody should send: by hand, and any number of mutations of good ones from a seed."""

import gzip
import json
import random
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from pydantic import BaseModel

from contracts.messages import EventGroup, Hint, JobEvents, RunJob, SubmitJob

MODELS: tuple[type[BaseModel], ...] = (RunJob, SubmitJob, JobEvents, EventGroup, Hint)


def good(model: type[BaseModel]) -> dict[str, Any]:
    """Return a body that is understood, and leads to nothing that exists; submissions lack their job id."""
    lock, job_id = f"nobody {uuid.uuid4().hex}", str(uuid.uuid4())
    bodies: dict[type[BaseModel], dict[str, Any]] = {
        RunJob: {"version": 1, "lock": lock, "job_id": job_id, "is_deferred_copy": False, "released": False},
        SubmitJob: {
            "version": 1,
            "actor": "fuzz",
            "job": {"kind": "ten-steps", "lock": lock, "parameters": {"seconds": 0}, "priority": 5},
        },
        JobEvents: {"version": 1, "lock": lock, "job_id": job_id, "first": 1, "last": 2},
        EventGroup: {
            "version": 1,
            "items": [
                {
                    "lock": lock,
                    "job_id": job_id,
                    "first": 1,
                    "last": 1,
                    "events": [{"status": "Submitted", "attempt": 0}],
                    "job": {"kind": "nothing"},
                }
            ],
        },
        Hint: {"version": 1, "what": "cancel_requested", "lock": lock, "job_id": job_id},
    }
    return bodies[model]


#: Texts that have broken something somewhere.
TEXTS = [
    *("", " ", "\x00", "a\x00b", "\u202egnp.exe", "\u200b", "\ufeff", "\ud800", "\udfff\ud800", "💥" * 300),
    *("x" * 40_000, "__proto__", "constructor", "../..", "..", "%00", "' or 1 eq 1 or '", "\r\nX: y", "NaN"),
    *("null", "-1", "1e999", "${jndi:ldap://a}", "{{7*7}}", "cafe\u0301", "\uffff", "018F6C3E", "default"),
]

SCALARS: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        0.5,
        1e308,
        float("nan"),
        float("inf"),
        -float("inf"),
        2**31,
        2**63,
        -(2**64),
    ),
    *(10**30, 10**400, *TEXTS),
]


def monsters(model: type[BaseModel]) -> dict[str, bytes]:
    """Return bodies that are never understood, by name."""
    fine = good(model)
    text = json.dumps(fine)
    if model is SubmitJob:
        fine["job"]["job_id"] = str(uuid.uuid4())
    bodies = {
        "empty": b"",
        "not json": b"hello",
        "zeros": b"\x00" * 1000,
        "invalid utf-8": b'{"version":1,"lock":"\xff\xfe"}',
        "utf-16": text.encode("utf-16"),
        "utf-8 with a mark": b"\xef\xbb\xbf" + text.encode(),
        "gzip": gzip.compress(text.encode()),
        "deep lists": b"[" * 10_000 + b"]" * 10_000,
        "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        "endless lists": b"[" * 200_000,
        "10 mb": b'{"lock":"' + b"x" * 10_000_000 + b'"}',
        "cut off": text[:-1].encode(),
        "twice": f"{text}{text}".encode(),
        "trailing comma": text.replace("}", ",}").encode(),
        "comment": f"{text}//".encode(),
        "single quotes": text.replace('"', "'").encode(),
        "nan": text.replace('"version": 1', '"version": NaN').encode(),
        "infinity": text.replace('"version": 1', '"version": -Infinity').encode(),
        "too large a float": text.replace('"version": 1', '"version": 1e999').encode(),
        "too many digits": text.replace('"version": 1', f'"version": {"9" * 5000}').encode(),
        "lone surrogate": text.replace("nobody ", "\\ud800").replace("cancel_requested", "\\ud800").encode(),
        "field twice": text.replace('"version": 1', '"version": 1, "version": 1').encode(),
        **{f"a bare {bare}": bare.encode() for bare in ("null", "true", "7", '"text"', "[]", "{}")},
        "list of it": json.dumps([fine]).encode(),
        "wrapped": json.dumps({"body": fine}).encode(),
    }
    changed = {
        "version of text": fine | {"version": "1"},
        "version 0": fine | {"version": 0},
        "version 2": fine | {"version": 2},
        "huge version": fine | {"version": 10**400},
        "prototype": fine | {"__proto__": {"isAdmin": True}},
        "unknown field": fine | {"surprise": 1},
        "unknown field with a name": fine | {"\x00" * 1000: 1},
    }
    for name in set(fine) - {"version", "actor", "is_deferred_copy", "released"}:
        for number, value in enumerate((None, 7, [1], {"a": 1}, True, 10**400)):
            is_fine = name in {"first", "last"} and value == 7
            if not is_fine and not (name == "job_id" and value is None and model is RunJob):
                changed[f"{name} wrong {number}"] = fine | {name: value}
    return bodies | {name: json.dumps(body).encode() for name, body in changed.items()}


def fuzzed(seed: int, count: int) -> Iterator[tuple[type[BaseModel], bytes]]:
    """Return mutated bodies, each for one of the models; the same for the same seed."""
    chooser = random.Random(seed)
    changes: list[Callable[[random.Random, Any], bytes]] = [
        _replace,
        _replace,
        _replace,
        _flip,
        _cut,
        _splice,
    ]
    for number in range(count):
        model = MODELS[number % len(MODELS)]
        body = good(model)
        if model is SubmitJob:
            body["job"]["job_id"] = str(uuid.UUID(int=chooser.getrandbits(128)))
        yield model, chooser.choice(changes)(chooser, body)


def _replace(chooser: random.Random, body: Any) -> bytes:
    """Put up to three surprises somewhere into the body."""
    for _ in range(chooser.randint(1, 3)):
        holder = body
        while True:
            places = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            if not places:
                break
            place = chooser.choice(places)
            if isinstance(holder[place], (dict, list)) and chooser.random() < 0.6:
                holder = holder[place]
                continue
            chance = chooser.random()
            if chance < 0.7:
                holder[place] = _surprise(chooser)
            elif chance < 0.85:
                del holder[place]
            elif isinstance(holder, dict):
                holder[chooser.choice(TEXTS[:-1])] = _surprise(chooser)
            break
    return json.dumps(body).encode(errors="surrogatepass")


def _surprise(chooser: random.Random, depth: int = 0) -> Any:
    chance = chooser.random()
    if depth > 3 or chance < 0.7:
        return chooser.choice(SCALARS)
    if chance < 0.85:
        return [_surprise(chooser, depth + 1) for _ in range(chooser.randint(0, 3))]
    return {chooser.choice(TEXTS): _surprise(chooser, depth + 1) for _ in range(chooser.randint(0, 3))}


def _flip(chooser: random.Random, body: Any) -> bytes:
    raw = bytearray(json.dumps(body).encode())
    for _ in range(chooser.randint(1, 4)):
        raw[chooser.randrange(len(raw))] = chooser.randrange(256)
    return bytes(raw)


def _cut(chooser: random.Random, body: Any) -> bytes:
    raw = json.dumps(body).encode()
    first, last = sorted(chooser.randrange(len(raw)) for _ in range(2))
    return raw[:first] + raw[last:]


def _splice(chooser: random.Random, body: Any) -> bytes:
    raw = json.dumps(body).encode()
    at = chooser.randrange(len(raw))
    return raw[:at] + chooser.randbytes(chooser.randint(1, 40)) + raw[at:]
