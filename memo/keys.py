"""What makes the key of a call: which of its arguments are signed, and as what.

Owns `ignore=`, `key=`, `normalize=` of `memo.cached`, and which parameters are annotated with `memo.Content`. What
changes the meaning of a signature is itself in the fingerprint, so that two decorations of one function never serve
each other's results (promise 1). `normalize=` is not: it changes what the function gets, and that is what is signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import FunctionType

import cas
from memo.canonical import encode_arguments
from memo.errors import UnstableArgument
from memo.signature import Parameters, sort_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Step = Callable[[Any], Any]

# How what joins the fingerprint says that a function stands for an argument.
KEYED = "key="
_MARK = "Content"


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
        self._steps: dict[str, Step] = {name: each(name, _content_of(name)) for name in _contents(function, parameters)}
        self._contents = {name: step for name, step in self._steps.items() if name not in ignored}
        owner = _owner(function, parameters)
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
        left_out = tuple(name for name in (*parameters.names, *single) if name in ignored)
        self.depends: tuple[Any, ...] = (("ignore=", *left_out),) if left_out else ()
        for name in self.keyed:
            self.depends += (KEYED, name), functions[name]

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
        return Keys, (self.function, *self._given)


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
        owner = _owner(function, parameters)
        functions: dict[str, Step] = dict.fromkeys((name for name in parameters.names if name != owner), normalize)
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
    def content_of(value: Any) -> Any:
        from memo.files import by_content  # noqa: PLC0415 - only where files are arguments

        return by_content(value, name.lstrip("*"))

    return content_of


def _contents(function: Any, parameters: Parameters) -> list[str]:
    """Return the parameters whose annotation says `memo.Content`, wherever in it."""
    if type(function) is not FunctionType:
        return []
    annotations = function.__annotations__
    return [name for name in parameters.names if _says_content(function, annotations.get(name.lstrip("*")))]


def _says_content(function: FunctionType, annotation: Any) -> bool:
    if isinstance(annotation, str):
        import sys  # noqa: PLC0415

        # A name in it may stand for an annotation with the mark, but only if something has loaded the mark.
        if _MARK not in annotation and "memo.files" not in sys.modules:
            return False
        try:
            annotation = eval(annotation, function.__globals__)  # noqa: S307 - as typing.get_type_hints does
        except Exception as error:  # the names may be there for type checkers only
            if _MARK not in annotation:
                return False
            raise cas.InvalidInputError(
                f"the annotation {annotation!r} cannot be evaluated where the function is defined: {error}",
                "import at the top of the module, also at run time, what stands in it",
            ) from error
    if not hasattr(annotation, "__args__") and not hasattr(annotation, "__metadata__"):
        return False
    from memo.files import Content  # noqa: PLC0415 - only where an annotation has parts

    metadata = getattr(annotation, "__metadata__", ())
    if any(mark is Content or isinstance(mark, Content) for mark in metadata):
        return True
    inner = (getattr(annotation, "__origin__", None), *getattr(annotation, "__args__", ()))
    return any(_says_content(function, part) for part in inner if part is not None)
