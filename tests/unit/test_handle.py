"""`f.cache`: explaining, adopting and declaring by the handle of a decorated function, as a user meets them."""

from __future__ import annotations

import numpy as np
import pytest

import memo


def make(tmp_path, body, version=None):
    """Return a cached function with another body, called `power` like every other."""

    def power(x, n=2):
        return body(x, n)

    return memo.cached(store=tmp_path / "store", memory=False, version=version)(power)


def test_explain_answers_before_and_after_a_call(tmp_path):
    """Miss, then hit, then the argument that differs; nothing is computed or counted by asking."""
    power = make(tmp_path, lambda x, n: x**n)
    assert power.cache.explain(3).outcome == "miss"
    assert power(3) == 9
    assert power.cache.explain(x=3, n=2).outcome == "hit"
    assert "n: 2 -> 5" in str(power.cache.explain(3, n=5))
    assert (power.cache.stats().misses, power.cache.stats().hits) == (1, 0)


def test_last_misses_explain_what_was_computed(tmp_path):
    """The newest computed call comes first, and tells why although its result is stored by now."""
    power = make(tmp_path, lambda x, n: x**n)
    power(3)
    power(4)
    newest, before = memo.last_misses(2)
    assert newest.key == power.cache.key(4)
    assert newest.explain().reason.kind == "arguments"
    assert before.explain().reason.kind == "first"


def test_adopt_takes_over_what_computes_the_same(tmp_path):
    """After a refactoring with equal results, every old result is a hit, equal as a value."""
    old = make(tmp_path, lambda x, n: x**n)
    expected = [old(x) for x in range(8)]
    code = old.cache.manifest(), next(old.cache.entries()).function.fingerprint.hex()[:8]
    new = make(tmp_path, lambda x, n: x * x if n == 2 else x**n)
    adoption = new.cache.adopt(code[1], verify=3)
    assert "took over 8 results" in str(adoption)
    assert [new(x) for x in range(8)] == expected
    assert (new.cache.stats().misses, new.cache.stats().hits) == (0, 8)


def test_adopt_refuses_what_computes_otherwise(tmp_path):
    """One differing result refuses, says where and by how much, and nothing is a hit."""
    old = make(tmp_path, lambda x, n: np.arange(4.0) * x)
    for x in range(4):
        old(x)
    code = next(old.cache.entries()).function.fingerprint.hex()[:8]
    new = make(tmp_path, lambda x, n: np.arange(4.0) * x + (x == 3) * np.array([0, 0, 1e-9, 0]))
    with pytest.raises(memo.AdoptionRefused, match=r"result\[2\]") as refusal:
        new.cache.adopt(code, verify=4)
    assert "e-09" in str(refusal.value) or "1e-9" in str(refusal.value)
    assert not any(new.cache.contains(x) for x in range(4))
    new.cache.adopt(code, verify=4, atol=1e-8)
    assert all(new.cache.contains(x) for x in range(4))
