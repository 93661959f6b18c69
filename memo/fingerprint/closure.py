"""What a function captured when it was made: the variables of enclosing functions, and its defaults.

State is not code: what reachable code itself changes is left out of the fingerprint, or the fingerprint would change
as the program runs. Owns the finding of such state, and the refusal of a closure over something mutable.
"""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType

from memo.errors import UnstableFunction
from memo.fingerprint import boundary
from memo.fingerprint.code import local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from memo.fingerprint.graph import Graph, State
    from memo.fingerprint.token import Place

    Captured = tuple[str, Any, tuple[Place, ...]]

CONTAINERS = (list, dict, set, bytearray)


def captured(graph: Graph, function: FunctionType) -> Iterator[Captured]:
    """Yield what a function captured: label, value, and the places that could rebind it."""
    cells = function.__closure__ or ()
    for name, cell in zip(function.__code__.co_freevars, cells, strict=False):
        try:
            value = cell.cell_contents
        except ValueError:
            graph.note(f"the variable {name!r} had no value yet", function.__qualname__)
            graph.token.test(lambda cell=cell: _is_empty(cell))  # type: ignore[misc]
            continue
        graph.token.cell(cell, value)
        graph.keep(cell)
        yield f"c:{name}", value, ((id(cell), ""),)
    for name, value in defaults(function).items():
        yield f"d:{name}", value, ()
    keywords = function.__kwdefaults__ or {}
    for name, value in keywords.items():
        graph.token.read(keywords, name, value)
        yield f"d:{name}", value, ()


def _is_empty(cell: Any) -> bool:
    try:
        return cell.cell_contents is cell and False
    except ValueError:
        return True


def defaults(function: FunctionType) -> dict[str, object]:
    """Return the positional parameters that have a default, with it."""
    values = function.__defaults__
    if not values:
        return {}
    code = function.__code__
    names = code.co_varnames[: code.co_argcount][-len(values) :]
    # Generated wrappers may carry more defaults than parameters; those have no name.
    extra = [str(position) for position in range(len(values) - len(names))]
    return dict(zip((*extra, *names), values, strict=True))


def refuse_mutable(function: object) -> None:
    """Refuse a function whose closure holds something that can change in place.

    Raises:
        UnstableFunction: A captured variable holds a list, dict, set, bytearray or array, or the function rebinds it.
    """
    seen: set[int] = set()
    while type(function) is FunctionType and id(function) not in seen:
        seen.add(id(function))
        changes = local(function).references.mutations
        rebound = {root for _, root, chain, how in changes if how == "bind" and not chain}
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                value = cell.cell_contents
            except ValueError:
                continue
            if isinstance(value, CONTAINERS) or _is_array(value) or name in rebound:
                _refuse(function, name, value)
        function = function.__dict__.get("__wrapped__")


def _is_array(value: object) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def _refuse(function: FunctionType, name: str, value: object) -> None:
    raise UnstableFunction(
        f"{function.__qualname__} captures the variable {name!r}, a {type(value).__name__} that can change "
        f"between calls; expected captured values that cannot",
        f"pass {name!r} as an argument, or capture something immutable such as a tuple, or say "
        f"allow_mutable_bindings=True, and its value becomes part of the key at each call",
    )


def mark_state(state: State, function: FunctionType, owner: type | None) -> None:
    """Add what a function changes that it did not make; `owner` is the class it is a method of."""
    if _runs_at_import(function, owner):
        return
    names = local(function).references
    for name in names.stores:
        state.places.add((id(function.__globals__), name))
        state.start_at("global", function.__globals__, name, function, rebound=True)
    for scope, root, chain, how in names.mutations:
        _mark(state, function, owner, (scope, root, chain, how))


def _runs_at_import(function: FunctionType, owner: type | None) -> bool:
    """Tell what is called as classes are made: what it fills is filled when the program runs, and is then constant."""
    if function.__name__ in ("__init_subclass__", "__set_name__"):
        return True
    return owner is not None and issubclass(owner, type) and function.__name__ in ("__new__", "__init__", "__prepare__")


def _mark(
    state: State, function: FunctionType, owner: type | None, mutation: tuple[str, str, tuple[str, ...], str]
) -> None:
    scope, root, chain, how = mutation
    if scope == "p" or root == "cls":
        _mark_parameter(state, function, owner, (root, chain, how))
        return
    space = function.__globals__
    freevars = function.__code__.co_freevars
    if scope != "g" and root in freevars:
        state.start_at("cell", function, root, function, rebound=how == "bind" and not chain)
        cell = (function.__closure__ or ())[freevars.index(root)]
        if how == "bind" and not chain:
            state.places.add((id(cell), ""))
            return
        try:
            value = cell.cell_contents
        except ValueError:
            return
    elif how == "bind" and not chain:
        state.places.add((id(space), root))
        state.start_at("global", space, root, function, rebound=True)
        return
    elif root in space:
        value = space[root]
        _start(state, function, (root, *chain), how == "bind")
    else:
        return
    _mark_chain(state, value, chain, how)


def _start(state: State, function: FunctionType, dotted: tuple[str, ...], bound: bool) -> None:
    """Note the variable behind an attribute chain: in a module, in a class, or on a function."""
    space, name, chain = function.__globals__, dotted[0], dotted[1:]
    value = space[name]
    while isinstance(value, ModuleType) and chain:
        space, name, chain = vars(value), chain[0], chain[1:]
        value = space.get(name)
    if isinstance(value, type) and chain:
        if boundary.origin_of_class(value) == boundary.PROJECT:
            state.start_at("class", value, chain[0], function, rebound=bound)
    elif boundary.origin_of_namespace(space) == boundary.PROJECT and not isinstance(value, ModuleType):
        own = isinstance(value, FunctionType) and chain
        # Names a module's variable that the chain did not reach: it is bound there, not changed in place.
        bound = bound and (bool(own) or not chain)
        state.start_at("global", space, f"{name}.{chain[0]}" if own else name, function, rebound=bound)


def _mark_chain(state: State, value: Any, chain: tuple[str, ...], how: str) -> None:
    """Mark the end of an attribute chain: a place if it is rebound, an object if it is changed in place."""
    last = len(chain) - 1
    for position, name in enumerate(chain):
        holder = _holder(value, name)
        if position == last and how == "bind":
            state.places.update((id(at), name) for at in (value, holder, getattr(value, "__dict__", value)))
            return
        if holder is None:
            return
        value = vars(holder)[name]
    if not isinstance(value, (type, FunctionType, ModuleType)):
        state.change(value)


def _holder(value: Any, name: str) -> Any:
    """Return the module, class or object whose dictionary holds an attribute."""
    places = [value, *(value if isinstance(value, type) else type(value)).__mro__]
    for holder in places:
        if name in getattr(holder, "__dict__", ()):
            return holder
    return None


def _mark_parameter(
    state: State, function: FunctionType, owner: type | None, mutation: tuple[str, tuple[str, ...], str]
) -> None:
    root, chain, how = mutation
    names = function.__code__.co_varnames
    if owner is not None and chain and chain[0].startswith("__") and not chain[0].endswith("__"):
        chain = (f"_{owner.__name__.lstrip('_')}{chain[0]}", *chain[1:])  # as the compiler names private attributes
    if owner is not None and not chain and how == "item" and names[:1] == (root,):
        state.places.add((id(owner), ""))  # what an object of a class derived from `dict` or `list` holds
        return
    if owner is not None and chain and (root == "cls" or root == names[:1][0]):
        if root != "cls" and function.__name__ in ("__init__", "__new__", "__post_init__", "__setstate__"):
            return
        # An attribute that methods rebind or fill is state, on the class and on its instances.
        state.places.add((id(owner), chain[0]))
        for cls in owner.__mro__:
            # Assigning to a property calls it; it is not rebound.
            is_property = hasattr(type(vars(cls).get(chain[0])), "__set__")
            if not is_property and boundary.origin_of_class(cls) == boundary.PROJECT:
                state.start_at("class", cls, chain[0], function, rebound=True)
        holder = _holder(owner, chain[0])
        if holder is not None and how == "item":
            state.change(vars(holder)[chain[0]])
        return
    default = {**defaults(function), **(function.__kwdefaults__ or {})}.get(root)
    if default is not None and how == "item" and not chain:
        state.change(default)
        state.start_at("default", function, root, function)
