"""Which versions of a real function `cas gc --stale` takes for superseded."""

from __future__ import annotations

import cas
import memo
from cas import gc


class Near:
    """An argument."""

    reach = 1


class Far:
    """Another."""

    reach = 9


def test_results_for_other_classes_of_arguments_are_of_the_same_code(tmp_path):
    """Versions that differ by the classes of the arguments stay; those of older code go, for all classes."""
    store = cas.open(tmp_path)

    def make(extra):
        @memo.cached(store=store, version=extra)
        def reach(place):
            return place.reach if extra else -place.reach

        return reach

    old, new = make(0), make(1)
    assert [old(Near()), old(Far()), new(Near()), new(Far())] == [-1, -9, 1, 9]
    assert len(store.functions()) == 4
    dropped = {drop.key.hex() for drop in gc.plan(store, stale=True).drops}
    assert dropped == {old.cache.key(Near()), old.cache.key(Far())}
