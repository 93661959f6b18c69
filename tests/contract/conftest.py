"""Every test of this folder runs once for each kind of store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.factories import FACTORIES

if TYPE_CHECKING:
    from pathlib import Path

    import cas
    from tests.contract.factories import Factory


@pytest.fixture(params=sorted(FACTORIES))
def factory(request: pytest.FixtureRequest) -> Factory:
    """Return the maker of one kind of store."""
    return FACTORIES[request.param]


@pytest.fixture
def store(factory: Factory, tmp_path: Path) -> cas.Store:
    """Return a new, empty store of that kind."""
    return factory(tmp_path)
