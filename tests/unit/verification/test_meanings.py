"""What each invariant means stands beside its name (`verification.findings`)."""

from verification.findings import MEANINGS, Invariant


def test_every_invariant_says_what_must_be_true_in_a_sentence_of_its_own() -> None:
    assert set(MEANINGS) == set(Invariant)
    assert len(set(MEANINGS.values())) == len(Invariant)
    assert all(meaning[0].isupper() and meaning.endswith(".") for meaning in MEANINGS.values())
