"""Adopting: results of an earlier version are taken over on evidence, or nothing is changed."""

from __future__ import annotations

import os
import pickle
import re
import sqlite3
import subprocess
import sys

import numpy as np
import pytest
from blake3 import blake3

import cas
from cas.manifest import Manifest
from memo.adopting import adopt, carry_out, prepare
from memo.adopting.difference import Tolerance
from memo.errors import AdoptionRefused
from tests.deposits import assert_intact

NAN, INF = float("nan"), float("inf")
HEAD = "import enum, dataclasses\nimport numpy as np\nimport memo\nCALLS = []\n"
DOUBLE = """
@memo.cached
def double(x, n=2):
    CALLS.append(x)
    return {"value": x * n, "name": "double"}
"""
EQUAL = DOUBLE.replace("x * n", "n * x")
ROUNDED = DOUBLE.replace("x * n", "x * n * (1 + 2 ** -52)")
WRONG = DOUBLE.replace("x * n", "x * n + (x == 3.0)")
TWICE = DOUBLE.replace("double(", "twice(")
ARRAYS = """
@memo.cached
def total(x, weight):
    return x.sum() * weight
"""
ARRAYS_EQUAL = ARRAYS.replace("x.sum() * weight", "weight * x.sum()")


def code_of(function) -> str:
    """Return the fingerprint of a cached function as text."""
    return function.cache._caller.current().fingerprint.digest.hex()


@pytest.fixture
def versions(project):
    """Return a function that writes a module, calls its function, and returns it with its fingerprint."""

    def write(source: str, calls=(), name: str = "double"):
        module = project("analysis", HEAD + source)
        function = getattr(module, name)
        for call in calls:
            function(*call)
        return module, function, code_of(function)

    return write


def taken(function, from_version, *arguments, **options):
    """Adopt, as `function.cache.adopt` does."""
    tolerance = Tolerance(**{name: options.pop(name) for name in ("rtol", "atol", "ulp") if name in options})
    return adopt(function.cache._caller, from_version, *arguments, tolerance=tolerance, **options)


def test_equal_results_are_taken_over(versions):
    """After an equal refactoring every call of the earlier version is a hit, with an equal value."""
    _, old, code = versions(DOUBLE, [(float(x),) for x in range(20)])
    stored = old(7.0)
    module, new, present = versions(EQUAL)
    adoption = taken(new, code[:8])
    assert (adoption.made, adoption.kept, adoption.damaged, adoption.verified) == (20, 0, (), 5)
    assert adoption.largest is None
    assert len(module.CALLS) == 5
    assert [new(float(x)) for x in range(20)] == [{"value": 2.0 * x, "name": "double"} for x in range(20)]
    assert new(7.0) == stored
    assert len(module.CALLS) == 5
    assert str(adoption).splitlines()[0] == f"{present[:12]} took over 20 results of analysis.double@{code[:12]}"
    assert "5 calls computed again, all equal bit by bit" in str(adoption)
    assert_intact(new.cache._caller.open())


def test_provenance_tells_of_the_adoption(versions):
    """An adopted entry says from which version it came, on what evidence; cost and date stay."""
    _, _, code = versions(DOUBLE, [(1.0,), (2.0,)])
    _, new, present = versions(EQUAL)
    taken(new, code)
    entries = {entry.function.fingerprint.hex(): entry for entry in new.cache.entries() if entry.signature[1] == 0xCB}
    assert set(entries) == {code, present}
    (note,) = set(entries[present].provenance) - set(entries[code].provenance)
    assert note == f"adopted from analysis.double@{code[:12]}"
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ: 2 calls computed again, all equal bit by bit",
        entries[present].provenance[note],
    )
    assert {entry.cost for entry in new.cache.entries()} == {
        entry.cost for entry in new.cache.entries() if entry.function.fingerprint.hex() == code
    }


def test_another_process_is_served(versions, tmp_path):
    """What was adopted is a hit in another process, and the function is not run."""
    _, _, code = versions(DOUBLE, [(float(x),) for x in range(6)])
    _, new, _ = versions(EQUAL)
    taken(new, code)
    program = "import analysis\nprint([analysis.double(float(x))['value'] for x in range(6)], len(analysis.CALLS))"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.getcwd()])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "[0.0, 2.0, 4.0, 6.0, 8.0, 10.0] 0\n"


def test_difference_refuses_and_changes_nothing(versions):
    """One call that differs refuses the whole, shows the call, the place and the size, and leaves the store alone."""
    _, _, code = versions(DOUBLE, [(float(x),) for x in range(8)])
    _, new, _ = versions(WRONG)
    store = new.cache._caller.open()
    before = list(store.entries()), store.records()
    with pytest.raises(AdoptionRefused) as refused:
        taken(new, code, 8)
    assert "1 of 8 calls computed again gave another result" in str(refused.value)
    assert "double(x=3.0, n=2)" in str(refused.value)
    assert 'result["value"]: stored 6.0, computed 7.0; 1 of 2 elements differ; max abs 1, ' in str(refused.value)
    assert "rtol" in refused.value.hint
    assert (list(store.entries()), store.records()) == before
    assert str(pickle.loads(pickle.dumps(refused.value))) == str(refused.value)


def test_tolerance_lets_rounding_pass(versions):
    """Results that differ by rounding are refused exactly, and taken over within a tolerance, which is noted."""
    _, _, code = versions(DOUBLE, [(x + 1 / 3,) for x in range(8)])
    _, new, _ = versions(ROUNDED)
    with pytest.raises(AdoptionRefused, match=r"max abs .*, [12] ULP"):
        taken(new, code)
    adoption = taken(new, code, ulp=2)
    assert adoption.made == 8
    assert 1 <= adoption.largest.max_ulp <= 2
    (note,) = [text for name, text in next(iter(new.cache.entries())).provenance.items() if name.startswith("adopted")]
    assert "5 calls computed again, all equal within ulp=2 (largest difference: max abs" in note
    assert new(1 / 3)["value"] == 2 / 3


def test_own_results_stay(versions):
    """A call that the present code has computed keeps its own result."""
    _, _, code = versions(DOUBLE, [(x + 1 / 3,) for x in range(4)])
    _, new, _ = versions(ROUNDED, [(1 / 3,)])
    adoption = taken(new, code, ulp=2)
    assert (adoption.made, adoption.kept) == (3, 1)
    assert new(1 / 3)["value"] == 2 / 3 * (1 + 2**-52)
    assert "1 call had a result of the present code, which stays" in str(adoption)


def test_earlier_results_stay(versions):
    """Going back to the earlier code finds its results."""
    _, _, code = versions(DOUBLE, [(1.0,), (2.0,)])
    _, new, _ = versions(EQUAL)
    taken(new, code)
    module, _, again = versions(DOUBLE, [(1.0,), (2.0,)])
    assert again == code
    assert module.CALLS == []


def test_renamed_function_is_named(versions):
    """The results of a function of another name are taken over if it is named with the version."""
    versions(DOUBLE, [(1.0,), (2.0,)])
    _, _, code = versions(DOUBLE)
    module, new, _ = versions(TWICE.replace('"double"', '"double"'), name="twice")
    with pytest.raises(cas.NotFoundError):
        taken(new, code)
    assert taken(new, f"analysis.double@{code[:6]}").made == 2
    assert new(2.0) == {"value": 4.0, "name": "double"}
    assert module.CALLS == [1.0, 2.0] or module.CALLS == [2.0, 1.0]


PARAMETERS = [
    ("double(x, n=2)", "double(x, n=2, *, scale=1)", None),
    ("double(x, n=2)", "double(scale=1.5, *, x=0, n=2)", None),
    ("double(x, n=2)", "double(n=2, x=0)", None),
    ("double(x, n=2)", "double(x, n=3)", None),
    ("double(x, n=2)", "double(x, n)", None),
    ("double(x, n=2)", "double(y, n=2, x=1)", "'y' is new and has no default"),
    ("double(x, n=2)", "double(x, n=2, *rest)", r"'\*rest' is new"),
    ("double(x, n=2)", "double(x, n=2, **options)", r"'\*\*options' is new"),
    ("double(x, n=2)", "double(x, *n)", "parameter 'n', which is gone"),
    ("double(x, n=2)", "double(x, n=2, key=sorted, f=lambda: 1)", "default of the new parameter 'f' is code"),
]


@pytest.mark.parametrize(("old", "new", "refused"), PARAMETERS)
def test_parameters_are_matched_by_name(versions, old, new, refused):
    """Parameters may move, change their default, or join with one; one that is gone or has none refuses."""
    source = "@memo.cached\ndef double(x, n=2):\n    return x * n\n"
    _, _, code = versions(source, [(1.0,), (2.0, 3), (3.0,)])
    source = source.replace(old, new).replace("x * n", "x * (n if type(n) is int else 2)")
    _, function, _ = versions(source)
    if refused:
        with pytest.raises(AdoptionRefused, match=refused):
            taken(function, code)
        return
    assert taken(function, code).made == 3
    before = function.cache.stats().misses
    assert [function(x=1.0, n=2), function(x=2.0, n=3), function(x=3.0, n=2)] == [2.0, 6.0, 6.0]
    assert function.cache.stats().misses == before


def test_new_parameter_beside_a_long_argument(versions):
    """An argument that a signature holds by digest keeps its place beside a new parameter."""
    source = "@memo.cached\ndef size(x, n=2):\n    return len(x) * n\n"
    long, short = ["text"] * 3000, ["text"]
    _, _, code = versions(source, [(long,), (short,)], "size")
    _, new, _ = versions(source.replace("n=2", f"more={'z' * 3000!r}, n=2"), name="size")
    assert taken(new, code, 2, calls=[(long,)]).made == 2
    assert (new(long), new(short)) == (6000, 2)
    assert new.cache.stats().misses == 0


def test_arrays_need_calls(versions):
    """Where the store holds arguments by their digests only, calls must be given, and are what is verified."""
    x = np.arange(1000.0)
    _, _, code = versions(ARRAYS, [(x, 2.0), (x, 3.0), (x[:3], 2.0)], "total")
    _, new, _ = versions(ARRAYS_EQUAL, name="total")
    with pytest.raises(AdoptionRefused, match="3 calls that can be computed again, found 1 of 3: 'x'") as few:
        taken(new, code)
    assert "calls=[" in few.value.hint
    with pytest.raises(AdoptionRefused, match="found 2 of 3"):
        taken(new, code, calls=[(x, 2.0)])
    adoption = taken(new, code, calls=[(x, 2.0), {"weight": 3.0, "x": x}])
    assert (adoption.made, adoption.verified) == (3, 3)
    assert new(x, 3.0) == x.sum() * 3.0
    assert new.cache.stats().misses == 0


KEPT = ARRAYS.replace("@memo.cached", "@memo.cached(store_args=True, ignore=['verbose'])").replace(
    "weight):", "weight, verbose=True):"
)
KEPT_EQUAL = KEPT.replace("x.sum() * weight", "weight * x.sum()")
KEPT_WRONG = KEPT.replace("x.sum() * weight", "x.sum() * weight + (weight == 3.0)")


def test_stored_arguments_stand_for_calls(versions):
    """With `store_args=True`, calls with large arrays are computed again without being named."""
    x = np.arange(100_000.0)
    _, _, code = versions(KEPT, [(x, 2.0), (x[::-1], 3.0), (x + 1, 4.0)], "total")
    _, wrong, _ = versions(KEPT_WRONG, name="total")
    with pytest.raises(AdoptionRefused, match=r"weight=3\.0"):
        taken(wrong, code)
    _, new, _ = versions(KEPT_EQUAL, name="total")
    adoption = taken(new, code)
    assert (adoption.made, adoption.verified) == (3, 3)
    assert new(x[::-1].copy(), 3.0) == x.sum() * 3.0
    assert new.cache.stats().misses == 0


def test_stored_arguments_stand_in_for_renewed_parameters(versions):
    """They are given by name to a function with another order of parameters, and one more."""
    x = np.arange(10_000.0)
    _, _, code = versions(KEPT, [(x, 2.0), (x, 3.0)], "total")
    renewed = KEPT_EQUAL.replace("(x, weight, verbose=True)", "(weight, x, power=1, verbose=True)")
    _, new, _ = versions(renewed, name="total")
    assert taken(new, code).verified == 2
    assert new(3.0, x) == x.sum() * 3.0
    assert new.cache.stats().misses == 0


def test_stored_arguments_that_are_not_those_of_the_call(versions):
    """Arguments of another call, which somebody wrote into an entry, are no evidence for it."""
    x = np.arange(10_000.0)
    _, old, code = versions(KEPT, [(x, 2.0), (x, 3.0)], "total")
    with sqlite3.connect(os.path.join(old.cache._caller.open().location, "index.sqlite")) as index:
        notes = [row[0] for row in index.execute("select provenance from entries order by key")]
        assert len(set(notes)) == 2
        index.execute("update entries set provenance = ?", (notes[0],))
    index.close()
    _, new, _ = versions(KEPT_EQUAL, name="total")
    with pytest.raises(AdoptionRefused, match="found 1 of 2: 'x'"):
        taken(new, code)
    assert new.cache.stats().entries == 2


def test_given_calls_are_compared(versions):
    """A call that is given is computed again, even if others would do."""
    _, _, code = versions(DOUBLE, [(float(x),) for x in range(30)])
    _, new, _ = versions(EQUAL)
    caller = new.cache._caller
    drawn = {trial.values[0] for trial in prepare(caller, caller.open(), code).trials}
    other = next(float(x) for x in range(30) if x not in drawn)
    _, new, _ = versions(WRONG.replace("x == 3.0", f"x == {other}"))
    with pytest.raises(AdoptionRefused, match=rf"double\(x={other}, n=2\)"):
        taken(new, code, calls=[(other,)])
    assert taken(new, code).made == 30


@pytest.mark.parametrize(
    ("call", "error"),
    [((9.0,), cas.NotFoundError), ((1.0, 3), cas.NotFoundError), (1.0, cas.InvalidInputError), ((), TypeError)],
)
def test_given_calls_must_fit(versions, call, error):
    """A given call without a stored result, or that is no call at all, is an error."""
    _, _, code = versions(DOUBLE, [(1.0,)])
    _, new, _ = versions(EQUAL)
    with pytest.raises(error):
        taken(new, code, calls=[call])


def test_calls_are_drawn_with_variety(versions):
    """Of many calls those with values not seen so far are drawn, the same each time, and dear ones are left out."""
    calls = [(1.0, n) for n in range(40)] + [(2.0, 1), (3.0, 1), (4.0, 1)]
    _, _, code = versions(DOUBLE, calls)
    _, new, _ = versions(EQUAL)
    caller = new.cache._caller
    with caller.open().index.writing() as run:
        run("UPDATE entries SET cost = 1")
        run("UPDATE entries SET cost = 3600 WHERE id IN (SELECT max(id) FROM entries)")
    plans = [prepare(caller, caller.open(), code) for _ in range(2)]
    assert [trial.entry.key for trial in plans[0].trials] == [trial.entry.key for trial in plans[1].trials]
    seen: set[object] = set()
    for x, n in (trial.values for trial in plans[0].trials):
        assert not seen.issuperset({("x", x), ("n", n)})
        seen |= {("x", x), ("n", n)}
    assert {("x", 1.0), ("n", 1)} < seen
    assert ("x", 4.0) not in seen
    assert len(seen) >= 6
    assert (plans[0].cost, plans[0].entries) == (5.0, 43)


def test_function_that_raises_refuses(versions):
    """A call that raises when it is computed again refuses, with the call and the error."""
    _, _, code = versions(DOUBLE, [(1.0,)])
    _, new, _ = versions(DOUBLE.replace("x * n", "1 / 0"))
    with pytest.raises(AdoptionRefused, match=r"double\(x=1.0, n=2\) has .* raised ZeroDivisionError"):
        taken(new, code)


def test_wrong_requests(versions):
    """No evidence, no such version, the present version, a version without results, a store for reading: refused."""
    _, old, code = versions(DOUBLE, [(1.0,)])
    _, new, present = versions(EQUAL, [(1.0,)])
    for verify in (0, -1):
        with pytest.raises(cas.InvalidInputError, match="at least one call"):
            taken(new, code, verify)
    with pytest.raises(cas.NotFoundError):
        taken(new, "0000" if not code.startswith("0000") else "1111")
    with pytest.raises(cas.InvalidInputError):
        taken(new, code[:3])
    with pytest.raises(cas.InvalidInputError, match="is the present code"):
        taken(new, present)
    reader = cas.open(new.cache._caller.open().location, writable=False)
    with pytest.raises(cas.ReadOnlyError):
        prepare(new.cache._caller, reader, code)
    old.cache._caller.open().forget([entry.key for entry in new.cache.entries()])
    with pytest.raises(AdoptionRefused, match="has no results"):
        taken(new, code)


@pytest.mark.parametrize(
    "options",
    [
        {"rtol": -1e-9}, {"atol": -1.0}, {"ulp": -1}, {"atol": NAN}, {"rtol": NAN}, {"rtol": INF}, {"atol": INF},
        {"ulp": 2.5}, {"ulp": True}, {"rtol": "0.1"}, {"atol": None}, {"rtol": 1j}, {"verify": 2.5}, {"verify": "5"},
        {"verify": True}, {"verify": None},
    ],
)  # fmt: skip
def test_what_is_no_tolerance_or_number_of_calls(versions, options):
    """A tolerance that is negative, without end or no number is refused before anything runs, and so is no number."""
    _, _, code = versions(DOUBLE, [(1.0,)])
    module, new, _ = versions(EQUAL)
    with pytest.raises(cas.InvalidInputError, match=f"{next(iter(options))}.*found"):
        taken(new, code, **options)
    assert not module.CALLS
    assert not new.cache.contains(1.0)


@pytest.mark.parametrize("version", [None, 3, b"3f2a"])
def test_what_is_no_version(versions, version):
    """A version is named by text."""
    _, new, _ = versions(DOUBLE, [(1.0,)])
    with pytest.raises(cas.InvalidInputError, match="version as text"):
        taken(new, version)


def test_a_call_named_twice_is_evidence_once(versions):
    """Naming one call five times leaves four to be drawn, and so finds what differs."""
    _, _, code = versions(DOUBLE, [(float(x),) for x in range(4)])
    _, new, _ = versions(WRONG)
    with pytest.raises(AdoptionRefused, match=r"x=3\.0"):
        taken(new, code, calls=[(1.0,)] * 5)
    assert not new.cache.contains(1.0)


def test_function_that_leaves_python_refuses(versions):
    """A function that calls `sys.exit` has no result, and ends nothing but the adoption."""
    _, _, code = versions(DOUBLE, [(1.0,)])
    _, new, _ = versions(DOUBLE.replace("x * n", "exit(3)"))
    with pytest.raises(AdoptionRefused, match="raised SystemExit"):
        taken(new, code)


def test_an_empty_manifest_refuses(versions):
    """A version of a store that somebody made up, whose manifest names nothing, is told as damage."""
    _, new, _ = versions(DOUBLE, [(1.0,)])
    record = cas.FunctionRecord(b"\xaa" * 32, "analysis", "double", ("x", "n"), Manifest().pack())
    with new.cache._caller.open().deposit(cas.Call(b"\xbb" * 32, record, b"\x92\x01\x02"), 1.0) as deposit:
        deposit.commit(cas.Result("tree/1", (b"\1",), "int", {}))
    with pytest.raises(cas.IntegrityError, match=r"manifest of analysis\.double is empty"):
        taken(new, "aaaa")


def test_interrupted_adoption_changes_nothing(versions):
    """Ctrl-C while a call is computed again goes through, and nothing is taken over."""
    source = "def stop():\n    raise KeyboardInterrupt\n" + DOUBLE.replace("x * n", "stop()")
    _, _, code = versions(DOUBLE, [(1.0,)])
    _, new, _ = versions(source)
    with pytest.raises(KeyboardInterrupt):
        taken(new, code)
    assert not new.cache.contains(1.0)


def test_hint_of_a_tolerance_is_for_floating_numbers(versions):
    """Where other things than floating numbers differ, no tolerance is offered: none would let them pass."""
    _, _, code = versions(DOUBLE, [(1,)])
    for body, offered in (("x * n + 1", False), ("str(x)", False)):
        _, new, _ = versions(DOUBLE.replace("x * n", body))
        with pytest.raises(AdoptionRefused) as refused:
            taken(new, code)
        assert ("rtol" in refused.value.hint) is offered
    _, _, code = versions(DOUBLE, [(1.0,)])
    _, new, _ = versions(ROUNDED)
    with pytest.raises(AdoptionRefused) as refused:
        taken(new, code)
    assert "rtol" in refused.value.hint


def test_new_parameter_given_in_calls(versions):
    """A named call with another value than the default of a new parameter says what to do."""
    _, _, code = versions(DOUBLE, [(1.0,)])
    _, new, _ = versions(DOUBLE.replace("n=2", "n=2, k=0").replace("x * n", "x * n + k"))
    with pytest.raises(AdoptionRefused) as refused:
        taken(new, code, verify=1, calls=[(1.0, 2, 5)])
    assert "defaults in calls=" in refused.value.hint


def test_code_that_changes_meanwhile_refuses(versions):
    """If the code is other code when all is compared, what was compared says nothing of it."""
    source = "RATE = 1.0\n\n\ndef rate():\n    return RATE\n" + DOUBLE.replace("x * n", "x * n * rate()")
    _, _, code = versions(source, [(1.0,)])
    module, new, _ = versions(source.replace("n * rate()", "rate() * n"))
    plan = prepare(new.cache._caller, new.cache._caller.open(), code)
    module.rate = lambda: 1.0
    with pytest.raises(AdoptionRefused, match="changed while"):
        carry_out(new.cache._caller, plan)


def test_entry_that_goes_meanwhile(versions):
    """A result that is removed between plan and comparison is a conflict, and nothing is changed."""
    _, _, code = versions(DOUBLE, [(1.0,)])
    _, new, _ = versions(EQUAL)
    caller = new.cache._caller
    plan = prepare(caller, caller.open(), code)
    caller.open().forget([plan.trials[0].entry.key])
    with pytest.raises(cas.ConflictError):
        carry_out(caller, plan)


def test_damaged_results_are_left_out(versions):
    """A damaged result that is not among the verified ones is left out, and told."""
    _, _, code = versions(DOUBLE, [(float(x),) for x in range(12)])
    _, new, _ = versions(EQUAL)
    caller = new.cache._caller
    plan = prepare(caller, caller.open(), code)
    verified = {trial.entry.key for trial in plan.trials}
    (damaged, *_) = [entry.key for entry in new.cache.entries() if entry.key not in verified]
    with sqlite3.connect(os.path.join(caller.open().location, "index.sqlite")) as index:
        index.execute("UPDATE entries SET body = substr(body, 1, 60) WHERE key = ?", (damaged,))
    index.close()
    adoption = carry_out(caller, plan)
    assert (adoption.made, adoption.damaged) == (11, (damaged,))
    assert "left out as damaged: 1; `cas fsck` says more" in str(adoption)


CLASSES = """
class Colour(enum.Enum):
    RED = 1
    BLUE = 2

@dataclasses.dataclass
class Recording:
    samples: list
    colour: Colour

    def scale(self):
        return 2

@memo.cached
def double(recording, n=2):
    return [s * n * recording.scale() for s in recording.samples]
"""


def test_instances_as_arguments(versions):
    """Calls with instances of the project's classes are replayed, and hits with the code of these classes as it is."""
    module, old, _ = versions(CLASSES)
    for n in range(4):
        old(module.Recording([1.0, 2.0], module.Colour.RED), n)
    (code,) = {entry.function.fingerprint.hex() for entry in old.cache.entries()}
    changed = CLASSES.replace("s * n", "n * s").replace("return 2", "return 1 + 1")
    module, new, base = versions(changed)
    assert taken(new, code).made == 4
    assert new(module.Recording([1.0, 2.0], module.Colour.RED), 3) == [6.0, 12.0]
    assert new.cache.stats().misses == 0
    assert base not in {entry.function.fingerprint.hex() for entry in new.cache.entries()}


def test_class_that_is_gone_refuses(versions):
    """If a class of the arguments is gone, its calls are other calls: refused, naming the class."""
    module, old, _ = versions(CLASSES)
    old(module.Recording([1.0], module.Colour.RED))
    (code,) = {entry.function.fingerprint.hex() for entry in old.cache.entries()}
    _, new, _ = versions(CLASSES.replace("Recording", "Session"))
    with pytest.raises(AdoptionRefused, match=r"arguments of analysis.Recording, which is not loaded"):
        taken(new, code)


def test_class_of_other_attributes_refuses(versions):
    """An instance that its class would not make now is not rebuilt."""
    module, old, _ = versions(CLASSES)
    old(module.Recording([1.0], module.Colour.RED))
    (code,) = {entry.function.fingerprint.hex() for entry in old.cache.entries()}
    module, new, _ = versions(CLASSES.replace("samples", "values"))
    with pytest.raises(AdoptionRefused, match="found 0 of 1: 'recording' cannot be rebuilt"):
        taken(new, code)


def test_functions_as_arguments_are_not_called(versions):
    """The store does not choose what is called: a call with a function in its arguments may only be given."""
    source = "def inc(x):\n    return x + 1\n\n\n@memo.cached\ndef apply(f, x):\n    return f(x)\n"
    module, old, _ = versions(source, name="apply")
    old(module.inc, 1)
    (code,) = {entry.function.fingerprint.hex() for entry in old.cache.entries()}
    module, new, _ = versions(source.replace("return f(x)", "y = f(x)\n    return y"), name="apply")
    with pytest.raises(AdoptionRefused, match="found 0 of 1: 'f'"):
        taken(new, code)
    assert taken(new, code, calls=[(module.inc, 1)]).made == 1
    assert new(module.inc, 1) == 2
    assert new.cache.stats().misses == 0


def test_adopting_again_keeps_both_notes(versions):
    """A result that was adopted twice tells of both."""
    _, _, first = versions(DOUBLE, [(1.0,)])
    _, middle, second = versions(EQUAL)
    taken(middle, first)
    _, last, _ = versions(EQUAL.replace("n * x", "(n) * x + 0"))
    taken(last, second)
    notes = [name for name in next(iter(last.cache.entries())).provenance if name.startswith("adopted")]
    assert notes == [f"adopted from analysis.double@{code[:12]}" for code in sorted([first, second])]


def test_rest_and_options_are_passed_on(versions):
    """Calls with further arguments, by position and by name, are computed again and served as they were made."""
    source = "@memo.cached\ndef join(x, *rest, **options):\n    return [x, *rest, *sorted(options.items())]\n"
    _, old, code = versions(source, name="join")
    old(1, 2, 3, b=4, a=5)
    old(1)
    _, new, _ = versions(source.replace("return [x,", "return [x][:1] + ["), name="join")
    assert taken(new, code, calls=[{"x": 1}]).made == 2
    assert new(1, 2, 3, a=5, b=4) == [1, 2, 3, ("a", 5), ("b", 4)]
    assert new.cache.stats().misses == 0


def test_results_under_an_earlier_key_version_stay_where_they_are(versions):
    """What was stored under another key version is not adopted: frames of unlike columns had one key then."""
    _, function, old = versions(DOUBLE, [(1,), (2,), (3,)])
    store = function.cache._caller.open()
    first = next(function.cache.entries())
    key = blake3(b"memo call 2\0" + first.function.fingerprint + first.signature).digest()
    store.copy([(first.key, cas.Call(key, first.function, first.signature))], {})
    store.forget([first.key])
    _, function, _ = versions(EQUAL)
    function.cache.adopt(old)
    stored = {entry.signature for entry in function.cache.entries() if entry.function.fingerprint.hex() != old}
    assert len(stored) == 2
    assert first.signature not in stored
