"""Who calls the model's check can tell that it failed from that it could not be made."""

import pytest
import spec.__main__ as checking
from spec.checking import SpinError


def test_a_model_that_cannot_be_translated_is_no_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def check_all(*_: object, **__: object) -> None:
        raise SpinError("spin: no such rule")

    monkeypatch.setattr("sys.argv", ["spec", "--case", "quiet"])
    monkeypatch.setattr(checking, "ensure_spin", lambda: None)
    monkeypatch.setattr(checking, "_check_all", check_all)
    assert checking.main() == 2
    assert "no such rule" in capsys.readouterr().err


def test_no_search_at_a_time_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["spec", "--jobs", "0"])
    with pytest.raises(SystemExit, match="2"):
        checking.main()
    assert "--jobs must be at least 1" in capsys.readouterr().err
