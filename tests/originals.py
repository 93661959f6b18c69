"""Files as the original neurotools wrote them, for tests: a call and its result, both in one pickle."""

from __future__ import annotations

import os
import pickle

import numpy as np

from memo.neurotools.originals.names import locate_original


def leave(root, function, method, result, /, *args, **kwargs) -> str:
    """Write what the original would have left of a call, and return where."""
    path = locate_original(root, function, method, *args, **kwargs)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    pair = (args, tuple(kwargs.items())), result
    if method == "pickle":
        with open(path, "wb") as file:
            pickle.dump(pair, file)
    else:
        both = np.empty(2, object)
        both[:] = pair
        np.save(path, both, allow_pickle=True)
    return path
