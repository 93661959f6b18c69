"""How two results differ: where, by how much, and in how many of their elements.

Exact unless a tolerance is given: the same types, dtypes, shapes and bits, in the same order. Floating numbers alone
may differ by a tolerance, wherever they stand; what cannot be compared differs. `deviation` knows numbers.
"""

from __future__ import annotations

import struct
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from enum import Enum
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from cas.shown import show
from memo.adopting.difference import EXACT, Difference, Tolerance
from memo.canonical import SCALARS, encode, values
from memo.codecs.summary import summarize

if TYPE_CHECKING:
    from memo.adopting.deviation import Deviation

_MAPPINGS = frozenset((dict, OrderedDict, defaultdict, Counter))
_BY_IDENTITY = (Enum, type, FunctionType, BuiltinFunctionType, ModuleType)
_FLOATS = frozenset((float,))
_WHOLE = frozenset((bytearray, range, slice, type(...), type(NotImplemented)))


def difference(
    stored: object, computed: object, tolerance: Tolerance = EXACT, path: str = "result"
) -> Difference | None:
    """Return how a computed value differs from a stored one by more than a tolerance; None if it does not.

    Args:
        stored: What is compared with.
        computed: What is compared.
        tolerance: How far floating numbers may lie apart.
        path: What the value is called.
    """
    walk = _Comparison(tolerance)
    walk.compare(stored, computed, path)
    if not walk.found:
        return None
    worst = max(walk.found, key=lambda deviation: deviation.size)
    return Difference(
        worst.path,
        worst.stored,
        worst.computed,
        sum(deviation.differing for deviation in walk.found),
        walk.elements,
        max((found.max_abs for found in walk.found if found.max_abs is not None), default=None),
        max((found.max_ulp for found in walk.found if found.max_ulp is not None), default=None),
    )


class _Comparison:
    """One walk over two values at once.

    Attributes:
        found: What differs.
        elements: How many elements were compared.
    """

    def __init__(self, tolerance: Tolerance) -> None:
        self.found: list[Deviation] = []
        self.elements = 0
        self._tolerance = tolerance
        self._inside: set[tuple[int, int]] = set()

    def compare(self, stored: Any, computed: Any, path: str) -> None:
        """Compare two values of any type."""
        kind = type(stored)
        if kind is not type(computed):
            self._differ(stored, computed, path)
        elif stored is computed:
            self.elements += 1
        elif kind is float or kind is complex:
            self._compare_floats(stored, computed, path)
        elif kind in SCALARS or isinstance(stored, _BY_IDENTITY):
            self._expect(kind in SCALARS and stored == computed, stored, computed, path)
        elif _is_numpy(stored):
            self._compare_arrays(stored, computed, path)
        elif (id(stored), id(computed)) not in self._inside:  # else a cycle, compared further out
            self._inside.add((id(stored), id(computed)))
            self._compare_parts(stored, computed, path)
            self._inside.discard((id(stored), id(computed)))

    def _compare_parts(self, stored: Any, computed: Any, path: str) -> None:
        kind = type(stored)
        if kind is list or kind is tuple:
            self._compare_sequences(stored, computed, path)
        elif kind is deque:
            self.compare(stored.maxlen, computed.maxlen, f"{path}.maxlen")
            self._compare_sequences(list(stored), list(computed), path)
        elif kind in _MAPPINGS:
            if kind is defaultdict:
                self.compare(stored.default_factory, computed.default_factory, f"{path}.default_factory")
            self._compare_mappings(stored, computed, path)
        elif kind is set or kind is frozenset:
            self._compare_sets(stored, computed, path)
        elif isinstance(stored, tuple) and hasattr(kind, "_fields"):
            for name, old, new in zip(kind._fields, stored, computed, strict=True):
                self.compare(old, new, f"{path}.{name}")
        elif _is_tensor(stored) and _is_tensor(computed):
            self._compare_tensors(stored, computed, path)
        elif kind in _WHOLE or values.find(kind) is not None:
            self._expect(encode(stored) == encode(computed), stored, computed, path)
        else:
            self._compare_instances(stored, computed, path)

    def _expect(self, equal: bool, stored: Any, computed: Any, path: str) -> None:
        if equal:
            self.elements += 1
        else:
            self._differ(stored, computed, path)

    def _differ(self, stored: Any, computed: Any, path: str) -> None:
        """Note two values that differ as a whole."""
        text, other = summarize(stored), summarize(computed)
        if text == other:
            text, other = (f"{type(value).__qualname__} {show(value)}" for value in (stored, computed))
        if type(stored) is type(computed) is int:
            distance = abs(stored - computed)
            self._note(path, (text, other), float(distance) if distance.bit_length() < 1024 else float("inf"))
        else:
            self._note(path, (text, other))

    def _note(self, path: str, texts: tuple[str, str], distance: float | None = None) -> None:
        from memo.adopting.deviation import Deviation  # noqa: PLC0415 - it loads numpy, which equal values may do without

        self.elements += 1
        size = float("inf") if distance is None else distance
        self.found.append(Deviation(1, size, path, *texts, distance))

    def _compare_floats(self, stored: complex, computed: complex, path: str) -> None:
        if _bits(stored) == _bits(computed):
            self.elements += 1
        else:
            self._compare_numbers(stored, computed, path)

    def _compare_numbers(self, stored: Any, computed: Any, path: str) -> None:
        """Compare arrays of one dtype and shape without Python objects, or what makes such."""
        import numpy  # noqa: PLC0415 - as said above

        from memo.adopting.deviation import deviation  # noqa: PLC0415 - as said above

        old, new = numpy.asarray(stored), numpy.asarray(computed)
        self.elements += old.size
        found = deviation(old, new, self._tolerance, path)
        self.found += [found] if found is not None else []

    def _compare_arrays(self, stored: Any, computed: Any, path: str) -> None:
        """Compare arrays and scalars of numpy's; what lies under a mask does not count."""
        numpy = sys.modules["numpy"]
        if isinstance(stored, numpy.ma.MaskedArray):
            before = len(self.found)
            for name in ("mask", "fill_value", "hardmask"):
                self.compare(getattr(stored, name), getattr(computed, name), f"{path}.{name}")
            if len(self.found) > before:
                return
            stored, computed = stored.filled(), computed.filled()
        elif not type(stored).__module__.startswith("numpy"):  # a subclass of the user's, with attributes
            self.compare(getattr(stored, "__dict__", None), getattr(computed, "__dict__", None), f"{path}.__dict__")
        old, new = (numpy.asarray(value).view(numpy.ndarray) for value in (stored, computed))
        dtype = old.dtype
        if dtype != new.dtype or old.shape != new.shape:
            self._note(path, (f"{dtype}{list(old.shape)}", f"{new.dtype}{list(new.shape)}"))
        elif dtype.names is not None:
            for name in dtype.names:
                self.compare(old[name], new[name], f'{path}["{name}"]')
        elif dtype.hasobject:
            for place in numpy.ndindex(old.shape):
                self.compare(old[place], new[place], f"{path}[{', '.join(map(str, place))}]" if place else path)
        else:
            self._compare_numbers(old, new, path)

    def _compare_sequences(self, stored: Any, computed: Any, path: str) -> None:
        if len(stored) != len(computed):
            self._note(path, (f"{len(stored):,} elements", f"{len(computed):,}"))
            return
        if stored and _FLOATS.issuperset(map(type, stored)) and _FLOATS.issuperset(map(type, computed)):
            self._compare_numbers(stored, computed, path)  # many numbers at once, for speed
            return
        for index, (old, new) in enumerate(zip(stored, computed, strict=True)):
            self.compare(old, new, f"{path}[{index}]")

    def _compare_mappings(self, stored: Any, computed: Any, path: str) -> None:
        """Compare dicts with their order, which iteration shows."""
        old, new = list(stored), list(computed)
        if difference(old, new) is not None:
            missing = [key for key in old if key not in computed]
            further = [key for key in new if key not in stored]
            some = missing or further
            shown = (missing, further) if some else (old, new)
            self._note(f"{path}.keys()", (summarize(shown[0]), summarize(shown[1])))
            return
        for key, first, second in zip(old, stored.values(), computed.values(), strict=True):
            step = f'"{key}"' if type(key) is str and key.isidentifier() else summarize(key)
            self.compare(first, second, f"{path}[{step}]")

    def _compare_sets(self, stored: Any, computed: Any, path: str) -> None:
        old, new = ({encode(element): element for element in value} for value in (stored, computed))
        self.elements += len(old.keys() & new.keys())
        if old.keys() != new.keys():
            missing = [old[form] for form in sorted(old.keys() - new.keys())]
            further = [new[form] for form in sorted(new.keys() - old.keys())]
            self._note(path, (f"{summarize(missing)} in it", f"{summarize(further)} in it"))

    def _compare_tensors(self, stored: Any, computed: Any, path: str) -> None:
        """Compare plain tensors of torch's by their numbers: what pickle keeps of equal ones differs."""
        for name in ("dtype", "device", "requires_grad"):
            old, new = str(getattr(stored, name)), str(getattr(computed, name))
            if old != new:
                self._note(f"{path}.{name}", (old, new))
                return
        self._compare_arrays(_numbers(stored), _numbers(computed), path)

    def _compare_instances(self, stored: Any, computed: Any, path: str) -> None:
        """Compare instances by all that pickle would keep of them."""
        try:
            old, new = _state_of(stored), _state_of(computed)
        except Exception as error:  # noqa: BLE001 - the classes' own code runs here and may raise anything
            self._note(path, (summarize(stored), f"what cannot be compared ({type(error).__name__}: {error})"))
            return
        for name in {**old, **new}:  # a union of keys would have no order
            if name in old and name in new:
                self.compare(old[name], new[name], f"{path}{name}")
            else:
                self._note(f"{path}{name}", ("something", "nothing") if name in old else ("nothing", "something"))


def _is_numpy(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray | numpy.generic)


def _is_tensor(value: Any) -> bool:
    torch: Any = sys.modules.get("torch")
    known = torch is not None and type(value) in (torch.Tensor, torch.nn.Parameter)
    return known and value.layout is torch.strided and not (value.is_quantized or value.is_meta or value.is_nested)


def _numbers(tensor: Any) -> Any:
    plain = tensor.detach().cpu().resolve_conj().resolve_neg()
    try:
        return plain.numpy()
    except TypeError:  # numbers that numpy does not know, such as bfloat16: their bytes
        rows = plain.reshape(-1).view(sys.modules["torch"].uint8)
        return rows.reshape(*plain.shape, plain.element_size()).numpy()


def _bits(value: complex) -> bytes:
    return struct.pack("dd", value.real, value.imag)


def _state_of(value: Any) -> dict[str, Any]:
    """Return what makes up an instance, taken apart as by pickle, by the way that leads to each part."""
    taken = value.__reduce_ex__(4)
    if isinstance(taken, str):  # a global name, and so the same only if it is the same
        return {".<identity>": id(value)}
    make, arguments, state, elements, pairs = (*taken, None, None, None)[:5]
    parts = {".<made by>": make, **{f".<{place}>": argument for place, argument in enumerate(arguments)}}
    if isinstance(state, tuple) and len(state) == 2 and all(isinstance(part, dict | None) for part in state):
        state = {**(state[0] or {}), **(state[1] or {})}  # attributes, and slots
    if isinstance(state, dict):
        parts |= {f".{name}": state[name] for name in sorted(state, key=str)}
    else:
        parts[".<state>"] = state
    if elements is not None:
        parts[".<elements>"] = list(elements)
    if pairs is not None:
        parts[".<pairs>"] = dict(pairs)
    return parts
