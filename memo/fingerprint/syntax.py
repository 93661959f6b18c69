"""Source text → a table from each bytecode it compiles to, to the syntax tree behind it.

Loaded only when a text is met for the first time: `ast` costs 7 ms, and `memo.fingerprint.code` keeps the tables.
Digests of syntax trees are the same under every supported Python: positions, comments and formatting are not in them,
nor what newer versions added to the tree without use (I5).
"""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING

from cas.digest import digest
from memo.fingerprint.bytecode import bytecode_digest
from memo.fingerprint.computed import computed_names, formed_names
from memo.fingerprint.mutations import mutations
from memo.fingerprint.reads import packages_read
from memo.fingerprint.references import references

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import CodeType

    Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
DOCUMENTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
SKIPPED = {"ctx", "kind", "type_comment", "type_ignores"}


def translate(text: str, flags: int) -> dict[bytes, list[object]]:
    """Return, for each function in a text, its bytecode digest and what the text says of it.

    A row is: digest of the syntax tree, digests of the docstrings and of the annotations inside it, first line, last
    line, references as lists.
    Where two functions compile to the same bytecode under the same name, they do the same: the first one counts.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
            module = compile(text, "<table>", "exec", flags, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    by_place: dict[tuple[str, int], list[Function]] = {}
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS):
            by_place.setdefault(_place(node), []).append(node)
    table: dict[bytes, list[object]] = {}
    for code in _codes(module):
        candidates = by_place.get((code.co_name, code.co_firstlineno), [])
        found = candidates[0] if len(candidates) == 1 else _enclosing(code, candidates)
        if found is not None:
            table.setdefault(bytecode_digest(code), _row(code, found))
    return table


def _place(node: Function) -> tuple[str, int]:
    if isinstance(node, ast.Lambda):
        return "<lambda>", node.lineno
    return node.name, min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _codes(module: CodeType) -> Iterator[CodeType]:
    pending = [module]
    while pending:
        code = pending.pop()
        inner = [const for const in code.co_consts if hasattr(const, "co_code")]
        pending.extend(reversed(inner))
        yield from inner


def _enclosing(code: CodeType, candidates: list[Function]) -> Function | None:
    """Choose, of functions that begin on one line, the innermost whose body holds all of the code's positions."""
    spans = [
        (line, column, last, end)
        for line, last, column, end in code.co_positions()
        if None not in (line, last, column, end) and (column, end) != (0, 0)
    ]
    if not spans:
        return None
    start = min((line, column) for line, column, _, _ in spans)
    stop = max((last, end) for _, _, last, end in spans)
    holding = [node for node in candidates if _holds(node, start, stop)]
    return max(holding, key=lambda node: (node.lineno, node.col_offset), default=None)


def _holds(node: Function, start: tuple[object, ...], stop: tuple[object, ...]) -> bool:
    body = [node.body] if isinstance(node, ast.Lambda) else node.body
    first, last = body[0], body[-1]
    return (first.lineno, first.col_offset) <= start and stop <= (last.end_lineno, last.end_col_offset)


def _row(code: CodeType, node: Function) -> list[object]:
    found = references(code)
    found.mutations = mutations(node)
    found.computed = computed_names(node)
    found.formed = formed_names(node)
    found.packages = packages_read(node)
    first = _place(node)[1]
    annotated = annotations_digest(node)
    return [tree_digest(node), docs_digest(node), annotated, first, node.end_lineno or first, found.pack()]


def docs_digest(node: ast.AST) -> bytes:
    """Return the digest of every docstring at or below a node; empty if there is none."""
    docs = [_doc(inner) for inner in ast.walk(node) if isinstance(inner, DOCUMENTED)]
    if not any(doc is not None for doc in docs):
        return b""
    return digest(repr(docs).encode("utf-8", "surrogatepass"))


def annotations_digest(node: ast.AST) -> bytes:
    """Return the digest of every annotation inside a node; empty if there is none."""
    inside = [inner for inner in ast.walk(node) if inner is not node]
    found = [getattr(inner, field, None) for inner in inside for field in ("annotation", "returns")]
    found = [annotation for annotation in found if annotation is not None]
    return fold_tree([found]) if found else b""


def _doc(node: ast.AST) -> str | None:
    first = node.body[0] if node.body else None  # type: ignore[attr-defined]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return first.value.value
    return None


def tree_digest(node: Function) -> bytes:
    """Return the digest of a function's own syntax: parameters and body, without what the live object says better.

    Left out at the top: decorators, defaults, annotations (live objects). Left out throughout: docstrings,
    annotations that only a reader of annotations sees.
    """
    body = node.body if isinstance(node, ast.Lambda) else _body(node)
    return fold_tree([body, _parameters(node.args), type(node).__name__])


def fold_tree(pending: list[object]) -> bytes:
    """Return the digest of syntax trees, lists and scalars, the last one first."""
    out: list[bytes] = []
    while pending:
        part = pending.pop()
        if isinstance(part, ast.AST):
            _open_node(part, out, pending)
        elif isinstance(part, list):
            out.append(b"l%d;" % len(part))
            pending.extend(reversed(part))
        else:
            out.append(_scalar(part))
    return digest(b"memo/tree/1\0" + b"".join(out))


def _open_node(node: ast.AST, out: list[bytes], pending: list[object]) -> None:
    name = type(node).__name__
    fields = _fields(node)
    out.append(b"n%d,%d;" % (len(name), len(fields)) + name.encode())
    for field, value in reversed(fields):
        pending.append(value)
        pending.append(field)


def _fields(node: ast.AST) -> list[tuple[str, object]]:
    """Return the fields that count, by name: what is absent or empty is left out."""
    values = {field: getattr(node, field, None) for field in node._fields if field not in SKIPPED}
    if isinstance(node, ast.JoinedStr):
        values["values"] = _joined(node.values)
    elif isinstance(node, ast.Constant):
        return [("value", node.value)]
    elif isinstance(node, (ast.arg, ast.AnnAssign)) and not hasattr(node, "is_read"):
        values.pop("annotation")
    elif isinstance(node, DOCUMENTED):
        values["body"] = _body(node)
        if not node.decorator_list:
            values.pop("returns", None)
        elif not isinstance(node, ast.ClassDef):
            _mark_read([inner for inner in ast.walk(node.args) if isinstance(inner, ast.arg)])
    return [(field, value) for field, value in values.items() if value is not None and value != []]


def _body(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> list[ast.stmt]:
    body = node.body[1:] if _doc(node) is not None else node.body
    if isinstance(node, ast.ClassDef):
        _mark_read([statement for statement in body if isinstance(statement, ast.AnnAssign)])
    return body


def _mark_read(nodes: Sequence[ast.AST]) -> None:
    """Keep the annotations of inner classes and of decorated inner functions: dataclasses and dispatch read them."""
    for node in nodes:
        node.is_read = True  # type: ignore[attr-defined]


def _joined(values: list[ast.expr]) -> list[ast.expr]:
    """Return an f-string's parts with neighbouring text joined, as every version of Python would split it."""
    parts: list[ast.expr] = []
    for value in values:
        if isinstance(value, ast.Constant) and parts and isinstance(parts[-1], ast.Constant):
            parts[-1] = ast.Constant(str(parts[-1].value) + str(value.value))
        elif not (isinstance(value, ast.Constant) and value.value == ""):
            parts.append(value)
    return parts


def _parameters(arguments: ast.arguments) -> list[object]:
    """Return the names and kinds of parameters; which of them have a default is the live function's to say."""
    rest, options = arguments.vararg, arguments.kwarg
    return [
        [argument.arg for argument in arguments.posonlyargs],
        [argument.arg for argument in arguments.args],
        rest.arg if rest else None,
        [argument.arg for argument in arguments.kwonlyargs],
        options.arg if options else None,
    ]


def _scalar(value: object) -> bytes:
    if isinstance(value, str):
        data = value.encode("utf-8", "surrogatepass")
    elif isinstance(value, bytes):
        data = value
    else:
        # Hexadecimal, because a decimal of more than 4,300 digits is refused.
        data = (hex(value) if type(value) is int else repr(value)).encode()
    name = type(value).__name__
    return b"v%d,%d;" % (len(name), len(data)) + name.encode() + data
