"""The command line refuses what would play nothing, and says why."""

import pytest
from tests.simulation.__main__ import main


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--seeds", "0"], "--seeds and --jobs must be at least 1"),
        (["--jobs", "0"], "--seeds and --jobs must be at least 1"),
        (["--trace"], "--trace needs --seed"),
    ],
)
def test_what_would_play_nothing_is_refused(
    options: list[str],
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["simulation", *options])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert complaint in capsys.readouterr().err
