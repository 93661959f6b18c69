"""What makes the key of a call: which of its arguments are signed, and as what.

Owns `ignore=`, `key=`, `normalize=` of `memo.cached`, and how what `memo.Content` marks is signed. What
changes the meaning of a signature is itself in the fingerprint, so that two decorations of one function never serve
each other's results (promise 1). `normalize=` is not: it changes what the function gets, and that is what is signed.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import cas
from memo.canonical import encode, encode_arguments
from memo.errors import UnstableArgument
from memo.marks import by_content, marked
from memo.signature import Parameters, sort_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Step = Callable[[Any], Any]

# How what joins the fingerprint says that a function stands for an argument.
KEYED = "key="


class Keys:
    """How the values of a call become its signature.

    Attributes:
        function: The user's function.
        parameters: Its parameters.
        names: Those that are signed, in the order of the signature's values.
        plain: Whether every argument is signed as it is.
        depends: What joins the fingerprint: which parameters are treated how, and the functions of `key=`.
        keyed: The parameters that a function of the user's stands for.

    Args:
        function: The user's function.
        ignore: Names of parameters that are not signed, or of options among its `**options`.
        key: Functions by parameter: what one returns is signed in place of the argument.
        normalize: A function of every argument, or functions by parameter: what one returns replaces the argument.

    Raises:
        InvalidInputError: An option names no parameter of the function, or is not of its form.
    """

    def __init__(self, function: Callable[..., Any], ignore: Any = (), key: Any = None, normalize: Any = None) -> None:
        parameters = Parameters(function)
        parameters.normalize = normalizer(parameters, function, normalize)
        ignored, functions = _checked_names(ignore), _checked_functions("key", key)
        _require_known("ignore", ignored, function, parameters)
        _require_known("key", functions, function, parameters)
        single = single_options(parameters, ignored | functions.keys())
        both = functions.keys() & {*ignored, *(name for name in single if parameters.names[-1] in ignored)}
        if both:
            raise cas.InvalidInputError(f"{min(both)!r} stands both in ignore= and in key=", "choose one of them")
        self.function = function
        self.parameters = parameters
        self._given = ignore, key, normalize
        self._ignored, self._functions, self._single = ignored, functions, single
        self._contents: dict[str, Step] = {}
        left_out = tuple(name for name in (*parameters.names, *single) if name in ignored)
        self.depends: tuple[Any, ...] = (("ignore=", *left_out),) if left_out else ()
        self._take(marked(function, parameters))
        for name in self.keyed:
            self.depends += (KEYED, name), functions[name]

    def settle(self) -> None:
        """Read the annotations again, now that all is defined that the first call needs."""
        if "memo.files" in sys.modules:  # else nothing can stand for the mark
            self._take(marked(self.function, self.parameters))

    def _take(self, contents: Iterable[str]) -> None:
        """Say which parameters are signed, and as what, where paths in some of them count by what stands there."""
        parameters, ignored, functions, single = self.parameters, self._ignored, self._functions, self._single
        for name in functions.keys() & {*contents}:
            raise cas.InvalidInputError(
                f"{name!r} stands in key=, and is annotated with memo.Content",
                "choose one of them; what a function of key= returns may be, or hold, a memo.File(path)",
            )
        self._contents |= {name: each(name, _content_of(name)) for name in contents if name not in ignored}
        self._steps: dict[str, Step] = dict(self._contents)
        owner = _owner(self.function, parameters)
        stand_ins = {name: _keyed(name, step, name == owner) for name, step in functions.items()}
        self._steps |= {name: step for name, step in stand_ins.items() if name not in single}
        if single:
            options = parameters.names[-1]
            self._steps[options] = by_option({name: stand_ins.get(name) for name in single}, self._steps.get(options))
        if owner in ignored:
            self._steps[owner] = _class_of
        self.names = tuple(name for name in parameters.names if name not in ignored or name == owner)
        self.plain = self.names == parameters.names and not self._steps
        self.keyed = tuple(name for name in (*self.names, *single) if name in functions)

    def encode(self, values: list[Any]) -> tuple[bytes, tuple[Any, ...]]:
        """Return the signature of a call, and the classes and functions met in it.

        Raises:
            UnstableArgument: An argument has no canonical form, or a function of `key=` failed.
        """
        signature, roots = encode_arguments(self.stand_ins(values), self.names)
        if self.plain:
            return signature, roots
        # What a function of `key=` stands for is the value; the code of its class counts as ever.
        named = dict(zip(self.parameters.names, values, strict=True))
        given = [value for name in self.keyed for value in _arguments(name, named)]
        classes = list(map(_class_of, given))
        return signature, (*roots, *dict.fromkeys(cls for cls in classes if cls not in roots))

    def unsigned(self, values: list[Any]) -> tuple[bytes, ...]:
        """Return the canonical forms of the arguments that are not signed as they are, of those that have one."""
        forms = []
        for name, value in zip(self.parameters.names, values, strict=True):
            if name not in self.names or name in self._steps:
                try:
                    forms.append(encode(value))
                except Exception:  # noqa: BLE001 - what cannot be in a key is often ignored for that
                    forms.append(b"")
        return tuple(forms)

    @property
    def declared(self) -> tuple[Any, ...]:
        """What joins the fingerprint of whoever calls the function: `depends`, and the functions of `normalize=`."""
        normalize = self._given[2]
        functions = {} if normalize is None else normalize if isinstance(normalize, Mapping) else {"": normalize}
        return self.depends + tuple(part for name in functions for part in (("normalize=", name), functions[name]))

    def stand_ins(self, values: list[Any]) -> list[Any]:
        """Return what is signed of a call, in the order of `names`."""
        values = sort_options(values, self.parameters)
        if self.plain:
            return values
        given = dict(zip(self.parameters.names, values, strict=True))
        return [self._steps[name](given[name]) if name in self._steps else given[name] for name in self.names]

    def marked(self, values: list[Any]) -> list[Any]:
        """Return the values of a call, the paths among them marked that count by what stands there."""
        named = zip(self.parameters.names, values, strict=True)
        return [self._contents[name](value) if name in self._contents else value for name, value in named]

    def __reduce__(self) -> tuple[Any, ...]:
        return Keys, (self.function, *self._given), {"_contents": tuple(self._contents)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._take(state["_contents"])  # an alias beside a function within a function is not found from here


def normalizer(parameters: Parameters, function: Any, normalize: Any) -> Callable[[list[Any]], list[Any]] | None:
    """Return what replaces the values of a call by those that the function is to get; None if nothing does.

    Args:
        parameters: Those of the function.
        function: The user's function.
        normalize: A function for every argument, but not for what a method is bound to; or functions by parameter.

    Raises:
        InvalidInputError: It names no parameter of the function, or is not of its form.
    """
    if normalize is None:
        return None
    if callable(normalize):
        functions: dict[str, Step] = dict.fromkeys(parameters.names, normalize)
        owner = _owner(function, parameters)
        if owner is not None:
            functions[owner] = _unless_bound(function, normalize)
    else:
        functions = _checked_functions("normalize", normalize)
        _require_known("normalize", functions, function, parameters)
    steps = [each(name, functions[name]) if name in functions else None for name in parameters.names]
    single = single_options(parameters, functions)
    if single:
        steps[-1] = by_option({name: functions[name] for name in single}, steps[-1])

    def normalized(values: list[Any]) -> list[Any]:
        return [value if step is None else step(value) for step, value in zip(steps, values, strict=True)]

    return normalized


def each(name: str, step: Step) -> Step:
    """Return what does `step` to an argument; a name with stars stands for each of the arguments that it takes."""
    if name.startswith("**"):
        return lambda options: {option: step(value) for option, value in options.items()}
    if name.startswith("*"):
        return lambda rest: tuple(map(step, rest))
    return step


def single_options(parameters: Parameters, names: Iterable[str]) -> tuple[str, ...]:
    """Return, sorted, the names that are no parameters but may be those of options that `**options` takes."""
    if not parameters.names or not parameters.names[-1].startswith("**"):
        return ()
    known = {*parameters.names, *(name.lstrip("*") for name in parameters.names)}
    return tuple(sorted(name for name in names if name not in known and not name.startswith("*")))


def by_option(single: Mapping[str, Step | None], others: Step | None) -> Step:
    """Return what does to each option what is to be done to it.

    Args:
        single: By name; None leaves it out.
        others: What is done to a dict of the others, if anything.
    """

    def each_option(options: dict[str, Any]) -> dict[str, Any]:
        rest = {name: value for name, value in options.items() if name not in single}
        done = {name: step(options[name]) for name, step in single.items() if step is not None and name in options}
        done |= rest if others is None else others(rest)
        return {name: done[name] for name in options if name in done}

    return each_option


def _arguments(name: str, given: Mapping[str, Any]) -> Any:
    """Return the arguments that a parameter took, or a single option."""
    if name not in given:
        options = list(given.values())[-1]
        return (options[name],) if name in options else ()
    return given[name].values() if name.startswith("**") else given[name] if name.startswith("*") else (given[name],)


def _require_known(option: str, names: Any, function: Any, parameters: Parameters) -> None:
    """Refuse names that are no parameters of the function."""
    for name in names:
        if name in parameters.names or name in single_options(parameters, (name,)):
            continue
        starred = next((known for known in parameters.names if known.lstrip("*") == name), None)
        known = ", ".join(map(repr, parameters.names)) or "none"
        raise cas.InvalidInputError(
            f"{option}= names {name!r}, and {getattr(function, '__qualname__', repr(function))} has no such parameter",
            f"write {starred!r}, with the stars" if starred else f"its parameters are {known}",
        )


def _checked_names(ignore: Any) -> set[str]:
    if not isinstance(ignore, list | tuple | set | frozenset) or not all(isinstance(name, str) for name in ignore):
        raise cas.InvalidInputError(
            f"expected a list of names of parameters for ignore=, found {ignore!r}", 'write ignore=["verbose"]'
        )
    return set(ignore)


def _checked_functions(option: str, functions: Any) -> dict[str, Step]:
    functions = {} if functions is None else functions
    if not isinstance(functions, Mapping) or not all(callable(step) for step in functions.values()):
        raise cas.InvalidInputError(
            f"expected a dict of functions by parameter for {option}=, found {functions!r}",
            f'write {option}={{"x": function}}',
        )
    return dict(functions)


def _owner(function: Any, parameters: Parameters) -> str | None:
    """Return the parameter that gets what a method is bound to; None if the function does not stand in a class."""
    around = getattr(function, "__qualname__", "").rpartition(".")[0]
    if not around or around.endswith("<locals>") or parameters.names[:1] in ((), ("*args",)):
        return None
    return parameters.names[0]


def _unless_bound(function: Any, step: Step) -> Step:
    """Return what does `step` to the first argument of a static method, and nothing to what a method is bound to."""
    around = function.__qualname__.rpartition(".")[0]

    def unless_bound(value: Any) -> Any:
        kinds = (*type(value).__mro__, *(value.__mro__ if isinstance(value, type) else ()))
        return value if any(kind.__qualname__ == around for kind in kinds) else step(value)

    return unless_bound


def _class_of(value: Any) -> type:
    return value if isinstance(value, type) else type(value)


def _keyed(name: str, function: Step, is_owner: bool) -> Step:
    """Return what signs an argument by a function of the user's; what a method is bound to, with its class."""

    def stand_in(value: Any) -> Any:
        try:
            found = function(value)
        except Exception as error:  # the user's code: whatever it raises, the parameter says where
            raise UnstableArgument(
                f"{name.lstrip('*')}: expected what stands for it in the key, but its key= function raised "
                f"{type(error).__name__}: {error}",
                "mend that function, or do not pass what it does not take",
            ) from error
        return (_class_of(value), found) if is_owner else found

    return each(name, stand_in)


def _content_of(name: str) -> Step:
    return lambda value: by_content(value, name.lstrip("*"))
