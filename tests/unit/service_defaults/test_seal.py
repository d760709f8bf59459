"""A seal fits the body it was made for, under the key it was made with, and nothing else."""

import pytest

from service_defaults.broker import Seal


def seal_with(name: str = "a", key: bytes = b"secret") -> Seal:
    seal = Seal()
    seal.use(name, key)
    return seal


def test_a_seal_fits_its_body_in_every_process_with_the_key() -> None:
    text = seal_with().of(b"body")
    assert text is not None
    assert text.startswith("a:")
    assert seal_with().fits(b"body", text)


@pytest.mark.parametrize(
    ("name", "key", "body"),
    [("a", b"secret", b"another body"), ("a", b"another secret", b"body"), ("b", b"secret", b"body")],
)
def test_another_body_another_key_and_another_name_do_not_fit(name: str, key: bytes, body: bytes) -> None:
    assert not seal_with(name, key).fits(body, seal_with().of(b"body"))


@pytest.mark.parametrize("seal", [None, "", "a:", "a", 7, b"a:00", ["a"], "a:\u00e9", "a:" + "0" * 64])
def test_what_is_no_seal_does_not_fit(seal: object) -> None:
    assert not seal_with().fits(b"body", seal)


def test_without_a_key_nothing_is_sealed_and_nothing_fits() -> None:
    empty = Seal()
    assert empty.of(b"body") is None
    assert not empty.fits(b"body", seal_with("", b"").of(b"body"))
    assert not empty.fits(b"body", ":" + "0" * 64)
    assert not empty.fits(b"body", seal_with().of(b"body"))


async def test_the_key_is_used_as_soon_as_the_storage_is_prepared() -> None:
    seal, done = Seal(), []

    async def prepare() -> None:
        assert seal.of(b"body") is None
        done.append("prepared")

    async def read() -> tuple[str, bytes]:
        done.append("read")
        return "a", b"secret"

    await seal.with_key(prepare, read)()
    assert done == ["prepared", "read"]
    assert seal.of(b"body") == seal_with().of(b"body")
