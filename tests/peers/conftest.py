"""Tests of the comparison with other systems, which need those systems and their servers."""

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """These tests install PostgreSQL and Redis, so they run only when this folder is asked for."""
    here = Path(__file__).parent
    asked = (
        (config.invocation_params.dir / argument.partition("::")[0]).resolve() for argument in config.args
    )
    return None if any(path.is_relative_to(here) for path in asked) else True
