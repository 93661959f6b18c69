"""Objects of anyone's classes: what they declare, what users register for them, and what pickle would keep."""

from __future__ import annotations

import copy
import functools
import ipaddress
import subprocess
import threading
import types
import typing

import attrs
import numpy as np
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas import form
from memo.canonical import encode, encode_arguments
from memo.canonical.registration import register_canonical, unregister_canonical
from memo.errors import UnstableArgument


@attrs.define
class Slotted:
    rate: float
    tapers: list = attrs.field(factory=list)


@attrs.frozen(cache_hash=True)
class Hashed:
    rate: float


class Model(pydantic.BaseModel):
    rate: float
    tapers: dict = {}
    _secret: int = pydantic.PrivateAttr(default=3)


class Sensor:
    """A class of somebody else's: it has a lock."""

    def __init__(self, name: str, gain: float = 1.0) -> None:
        self.name, self.gain, self.lock = name, gain, threading.Lock()


class Loud(Sensor):
    pass


class Reduced:
    """A class that says itself how it is made again."""

    def __init__(self, *parts: object, **attributes: object) -> None:
        self.parts = parts
        self.__dict__.update(attributes)

    def __reduce__(self) -> tuple:
        return Reduced, self.parts, self.__dict__


class Growing(list):
    def __reduce__(self) -> tuple:
        return Growing, (), None, iter(self)


@pytest.fixture
def registered():
    """Register a function for sensors, and forget it afterwards."""
    register_canonical(Sensor, lambda sensor: {"name": sensor.name, "gain": sensor.gain})
    yield
    unregister_canonical(Sensor)


def test_attrs_and_pydantic():
    """Models of either library count by their fields, and a hash kept on them does not."""
    values = [Slotted(1), Slotted(1.0), Slotted(1.0, [1]), Hashed(1.0), Hashed(2.0), Model(rate=1), Model(rate=2)]
    values += [Model(rate=1, tapers={"a": 1}), Model(rate=1, tapers={"a": True})]
    assert len({encode(value) for value in values}) == len(values)
    for value in values:
        assert encode(copy.deepcopy(value)) == encode(value)
    hashed = Hashed(1.0)
    hash(hashed)
    assert encode(hashed) == encode(Hashed(1.0))
    private = Model(rate=1)
    private._secret = 4
    assert encode(private) != encode(Model(rate=1))
    assert form.show(form.unpack(encode(Model(rate=1)))) == "Model(rate=1.0, tapers={})"


@pytest.mark.usefixtures("registered")
def test_what_is_registered_stands_for_an_object():
    """Objects whose plain values are equal share a form, and others do not; the class counts."""
    assert encode(Sensor("a")) == encode(Sensor("a"))
    values = [Sensor("a"), Sensor("b"), Sensor("a", 2.0), {"name": "a", "gain": 1.0}]
    assert len({encode(value) for value in values}) == len(values)
    assert form.show(form.unpack(encode([Sensor("a")]))) == "[Sensor({'name': 'a', 'gain': 1.0})]"
    assert encode_arguments([Sensor("a")], ("x",))[1] == (Sensor,)


@pytest.mark.usefixtures("registered")
def test_registration_holds_for_exactly_the_class():
    """A subclass may have more to it than the function knows of."""
    with pytest.raises(UnstableArgument, match=r"value\.lock"):
        encode(Loud("a"))


def test_registration_holds_at_once_and_until_it_is_taken_back():
    """What was met before is not remembered: a registration, a new one, and its end show in the next form."""
    value = complex(1, 2), types.SimpleNamespace(a=1, b=2)
    before = encode(value)
    register_canonical(types.SimpleNamespace, lambda space: space.a)
    first = encode(value)
    register_canonical(types.SimpleNamespace, lambda space: space.b)
    second = encode(value)
    unregister_canonical(types.SimpleNamespace)
    assert len({before, first, second}) == 3
    assert encode(value) == before
    unregister_canonical(types.SimpleNamespace)
    register_canonical(np.ndarray, lambda array: array.round(1).tolist())
    rounded = encode(np.array([1.01]))
    unregister_canonical(np.ndarray)
    assert rounded != encode(np.array([1.01]))


def test_what_cannot_be_registered():
    """What is no class, what cannot be called, and the built-in types are refused."""
    for cls, function, error in ((Sensor("a"), str, TypeError), (Sensor, 3, TypeError), (list, str, ValueError)):
        with pytest.raises(error, match="register_canonical"):
            register_canonical(cls, function)


def test_a_registered_function_that_fails():
    """An error in it, and a value of its without a form, are refusals that say where."""
    try:
        register_canonical(Sensor, lambda sensor: sensor.missing)
        with pytest.raises(UnstableArgument, match=r"value\[0\]: .*missing"):
            encode([Sensor("a")])
        register_canonical(Sensor, lambda sensor: sensor)
        with pytest.raises(UnstableArgument, match="contains itself"):
            encode(Sensor("a"))
    finally:
        unregister_canonical(Sensor)


def test_reduction():
    """What a class gives to pickle stands for its objects: arguments, state and elements, in no order of attributes."""
    values = [
        *(Reduced(), Reduced(1), Reduced(1, a=1), Reduced(1, a=2), Reduced(1, b=1), Growing(), Growing([1]), [1]),
        *(ValueError(), ValueError(1), KeyError(1), ValueError(1, 2), Growing([2, 1]), Growing([1, 2])),
        *(list[int], list[str], typing.List[int], typing.Any, typing.Union[int, str]),  # noqa: UP006, UP007
    ]
    assert len({encode(value) for value in values}) == len(values)
    assert encode(Reduced(a=1, b=2)) == encode(Reduced(b=2, a=1))
    assert encode(Reduced([1], [1])) == encode(Reduced(*[[1]] * 2))
    assert form.show(form.unpack(encode(ValueError("x", 1)))) == "ValueError('x', 1)"


@given(st.lists(st.integers(0, 2) | st.text("ab", max_size=1), max_size=3), st.data())
def test_reductions_are_equal_exactly_where_their_parts_are(parts, data):
    """Two reduced objects share a form if and only if what they are made of is the same."""
    others = data.draw(st.just(parts) | st.lists(st.integers(0, 2) | st.text("ab", max_size=1), max_size=3))
    assert (encode(Reduced(*parts)) == encode(Reduced(*others))) == (parts == others)


def test_reduction_refuses_with_a_path():
    """A part without a form, an object that is made from itself, and an error of the class's own are refusals."""
    loop = Reduced()
    loop.parts = ([loop],)

    class Broken:
        def __reduce__(self):
            raise RuntimeError("no")

    class Wrong:
        def __reduce__(self):
            return "nowhere"

    for value, reason in ((Reduced(threading.Lock()), r"__reduce_ex__\(\)\[0\]: .*lock"), (loop, "contains itself")):
        with pytest.raises(UnstableArgument, match=reason):
            encode(value)
    for value in (Broken(), Wrong()):
        with pytest.raises(UnstableArgument, match="cannot be seen"):
            encode(value)


def test_addresses():
    """Addresses and networks count by their text, whatever has been asked of them."""
    makers = (ipaddress.ip_address, ipaddress.ip_network, ipaddress.ip_interface)
    values = [make(text) for text in ("10.0.0.0", "::1") for make in makers]
    assert len({encode(value) for value in values}) == len(values)
    network = ipaddress.ip_network("10.0.0.0/8")
    before = encode(network)
    assert network.num_addresses == 1 << 24
    assert encode(network) == before


def test_what_stands_for_something_else_is_refused():
    """Processes and shared memory are no values."""
    process = subprocess.Popen(["true"])
    process.wait()
    for value in (process, threading.Thread(), threading.local()):
        with pytest.raises(UnstableArgument) as caught:
            encode(value)
        assert caught.value.hint == "make it inside the function"


def test_a_class_with_a_method_called_acquire_has_a_form():
    """It is its attributes that make an object of a Python class, not the names of its methods."""

    class Camera:
        def __init__(self):
            self.gain = 1

        def acquire(self):
            """Take a picture."""

    assert encode(Camera()) == encode(Camera())
    assert encode(functools.partial(Camera)) == encode(functools.partial(Camera))


def test_modules_are_reported_as_roots():
    """A module given as an argument is code that a function may call."""
    module = types.ModuleType("project_module")
    assert encode_arguments([module], ("m",))[1] == (module,)
    assert encode_arguments([np], ("m",))[1] == ()
