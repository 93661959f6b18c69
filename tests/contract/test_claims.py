"""Claims among threads: waited for, or only tried."""

from __future__ import annotations

import threading

import pytest

import cas
from tests.deposits import key


def in_thread(work):
    """Return what a function returns in another thread."""
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join(20)
    return found[0]


def test_free_claim_is_taken_at_once(store):
    """What is tried and had keeps others out until its block ends."""
    with store.try_claim(key(1)):
        assert in_thread(lambda: store.try_claim(key(1))) is None
        assert in_thread(lambda: bool(store.try_claim(key(2)).__enter__() is None)) is True
    claim = in_thread(lambda: store.try_claim(key(1)))
    assert claim is not None


def test_claim_that_is_waited_for_is_not_had(store):
    """A claim held by `claim` is found taken, and free after its end."""
    held, may_end = threading.Event(), threading.Event()

    def hold():
        with store.claim(key(1)):
            held.set()
            may_end.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(20)
    assert store.try_claim(key(1)) is None
    may_end.set()
    thread.join()
    with store.try_claim(key(1)):
        pass


def test_tried_claim_inside_its_own_thread_goes_on(store):
    """A call inside itself does not wait for itself, and does not end the outer claim."""
    with store.claim(key(1)):
        with store.try_claim(key(1)):
            pass
        assert in_thread(lambda: store.try_claim(key(1))) is None
    with store.try_claim(key(1)):
        with store.claim(key(1)):
            pass
        assert in_thread(lambda: store.try_claim(key(1))) is None


def test_reader_claims_nothing(store):
    """A store that is open for reading refuses, as it refuses to wait."""
    reader = cas.open(store.location, writable=False)
    with pytest.raises(cas.ReadOnlyError):
        reader.try_claim(key(1))
    reader.close()
