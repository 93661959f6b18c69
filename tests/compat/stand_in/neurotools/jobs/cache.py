"""Stands for the real `neurotools.jobs.cache`, which no Python of today imports: its files, as it named and wrote them.

Names come from `memo.neurotools`, whose own tests hold them to what the real one answered.
"""

from __future__ import annotations

import functools
import os
import pickle

import numpy as np

from memo.neurotools import file_string_to_signature, get_cache_path, locate_cached
from memo.neurotools.originals.names import locate_original
from tests.originals import leave

METHODS = ("npy", "pickle", "mat")


def disk_cacher(cache_location, method="npy", cache_identifier="__neurotools_cache__"):
    """Cache at one location."""
    return hierarchical_cacher((cache_location,), method, cache_identifier=cache_identifier)


def hierarchical_cacher(fast_to_slow, method="npy", cache_identifier="neurotools_cache"):
    """Cache at several locations."""
    roots = [os.path.join(os.path.abspath(location), cache_identifier) for location in fast_to_slow]

    def decorate(function):
        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            missed = []
            for root in roots:
                path = locate_original(root, function, method, *args, **kwargs)
                if os.path.exists(path):
                    _, result = _load(path, method)
                    break
                missed.append(root)
            else:
                result = function(*args, **kwargs)
            for root in missed:
                leave(root, function, method, result, *args, **kwargs)
            return result

        def purge(*args, **kwargs):
            for root in roots:
                for ending in METHODS:
                    path = locate_original(root, function, ending, *args, **kwargs)
                    if os.path.exists(path):
                        os.unlink(path)

        def lscache(verbose=False):
            path = get_cache_path(roots[0], function)
            return path, os.listdir(path)

        wrapped.purge, wrapped.lscache, wrapped.cache_root = purge, lscache, roots[0]
        wrapped.locate = functools.partial(locate_cached, roots[0], function, method)
        return wrapped

    return decorate


def _load(path, method):
    if method == "npy":
        return np.load(path, allow_pickle=True)
    with open(path, "rb") as file:
        return pickle.load(file)


def exists(cache_root, f, method, *args, **kwargs):
    """Return whether the file is there."""
    return os.path.exists(locate_original(cache_root, f, method, *args, **kwargs))


def scan_cachedir(cachedir, method="npy", verbose=False, **kw):
    """Return file name to arguments."""
    names = [name for name in os.listdir(cachedir) if name.endswith(method)]
    signatures = {name: file_string_to_signature(name, **kw) for name in names}
    return {name: (dict(pairs), rest) for name, (pairs, rest) in signatures.items()}
