"""What somebody has set on a library's object is part of its form; an object without any keeps the form it had."""

from __future__ import annotations

import collections
import copy
import datetime as dt
import pickle
import types

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from memo.canonical import encode

OBJECTS = {
    "frame": lambda: pd.DataFrame({"a": [1.0], "b": ["x"]}),
    "series": lambda: pd.Series([1, 2], name="s"),
    "masked": lambda: np.ma.array([1.0, 2.0], mask=[0, 1]),
    "csr": lambda: sp.csr_array(np.eye(2)),
    "coo": lambda: sp.coo_matrix(np.eye(2)),
    "dok": lambda: sp.dok_array(np.eye(2)),
    "dia": lambda: sp.dia_array(np.eye(2)),
    "lil": lambda: sp.lil_array(np.eye(2)),
}


def tagged(value, **attributes):
    """Return an object with attributes set on it, past pandas' own `__setattr__`."""
    for name, content in attributes.items():
        object.__setattr__(value, name, content)
    return value


@pytest.mark.parametrize("make", OBJECTS.values(), ids=OBJECTS)
def test_attribute_that_was_set_counts(make):
    """`frame.name = "run 1"` tells a frame from one without a name, and from one of another name."""
    forms = [encode(tagged(make(), **given)) for given in ({}, {"name_": "a"}, {"name_": "b"}, {"unit_": "a"})]
    assert len(set(forms)) == 4
    assert encode(tagged(make(), name_="a")) == forms[1]
    assert encode(tagged(tagged(make(), u="x"), t=1)) == encode(tagged(tagged(make(), t=1), u="x"))


@pytest.mark.parametrize("make", OBJECTS.values(), ids=OBJECTS)
def test_what_a_library_remembers_is_no_attribute(make):
    """What a library keeps on an object while it is used, copied or pickled does not count."""
    value = make()
    form = encode(value)
    str(value)
    if sp.issparse(value):
        value @ value
        value.tocsr().sum_duplicates()
    assert encode(value) == form
    assert encode(value.copy()) == form
    assert encode(copy.deepcopy(value)) == form
    assert encode(pickle.loads(pickle.dumps(value))) == form


class Annotated(pd.DataFrame):
    """A frame of somebody else's class."""


def test_unpickled_frame_of_a_subclass_keeps_its_form():
    """What pandas notes on a frame that it unpickles is no attribute of a subclass either."""
    value = Annotated({"a": [1]})
    assert encode(pickle.loads(pickle.dumps(value))) == encode(value)


def test_class_beneath_a_masked_array_counts():
    """A masked matrix shows a matrix as its data, so it is another value than a masked array."""
    one, other = (np.ma.array(np.ones((1, 1)).view(np.matrix)) for _ in range(2))
    assert encode(one) == encode(other) != encode(np.ma.array([[1.0]]))


def test_class_of_a_viewed_mapping_counts():
    """A view of a defaultdict has values for missing keys, and one of a dict has not."""
    views = [types.MappingProxyType(kind()) for kind in (dict, collections.OrderedDict, collections.Counter)]
    views.append(types.MappingProxyType(collections.defaultdict(int)))
    assert len(set(map(encode, views))) == len(views)
    assert encode(types.MappingProxyType({"a": 1})) == encode(types.MappingProxyType({"a": 1}))


class Moment(dt.datetime):
    """A datetime with attributes, which its own pickle leaves out."""


def test_attribute_that_a_class_in_c_does_not_know_of_counts():
    """A subclass of datetime is more than its time, although datetime pickles the time alone."""
    assert encode(tagged(Moment(2020, 1, 1), site="a")) != encode(tagged(Moment(2020, 1, 1), site="b"))
    assert encode(tagged(Moment(2020, 1, 1), site="a")) == encode(tagged(Moment(2020, 1, 1), site="a"))


class Reading(np.void):
    """A row of a structured array, as somebody's own class."""


def test_class_of_the_rows_of_a_structured_array_counts():
    """Of an array of somebody's own rows the whole name of the class counts, not what stands behind its last dot."""
    other = type("Reading", (np.void,), {"__module__": "elsewhere"})
    one, two, plain = (np.zeros(2, np.dtype((kind, [("a", "i4")]))) for kind in (Reading, other, np.void))
    assert len({encode(one), encode(two), encode(plain)}) == 3


def test_dtype_of_a_level_with_missing_labels_counts():
    """Where a MultiIndex has no label, its integers show as floats; its levels still tell them apart."""
    whole, real = (pd.MultiIndex(levels=[kind([1, 2]), ["a"]], codes=[[0, -1], [0, 0]]) for kind in (_integers, _reals))
    assert encode(whole) != encode(real)
    assert encode(pd.DataFrame({"x": [1, 2]}, index=whole)) != encode(pd.DataFrame({"x": [1, 2]}, index=real))


def _integers(labels):
    return np.array(labels, "i8")


def _reals(labels):
    return np.array(labels, "f8")


def test_looking_at_an_exception_changes_nothing():
    """An exception has one form, before and after its empty dict of attributes has come to be."""
    error = ValueError(1)
    before = encode(error)
    assert vars(error) == {}
    assert encode(error) == before
    error.note = "set"
    assert encode(error) != before
