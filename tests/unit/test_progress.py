"""Progress: what is told, and that telling changes nothing."""

from __future__ import annotations

from cas.progress import BATCH, batches, told


def test_values_pass_unchanged():
    """Told values are the values, with and without a listener."""
    for listener in (None, lambda *_: None):
        assert list(told(range(1000), "x", listener)) == list(range(1000))
        assert [n for batch in batches(range(BATCH + 1), "x", listener) for n in batch] == list(range(BATCH + 1))


def test_told_now_and_then():
    """Long work is told now and then, its total once it is known."""
    said = []
    list(told(range(1000), "x", lambda *what: said.append(what)))
    assert said == [("x", 256, None), ("x", 512, None), ("x", 768, None), ("x", 1000, 1000)]
    said.clear()
    assert [len(batch) for batch in batches(range(BATCH + 1), "y", lambda *what: said.append(what))] == [BATCH, 1]
    assert said == [("y", BATCH, BATCH + 1), ("y", BATCH + 1, BATCH + 1)]


def test_nothing_is_told_of_nothing():
    """Work that has nothing to do is silent."""
    said = []
    assert list(told([], "x", lambda *what: said.append(what))) == list(batches([], "x", None)) == said == []
