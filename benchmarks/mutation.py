"""Does a changed subroutine change the fingerprint? Real packages as the user's own code, one function at a time.

Run with `python benchmarks/mutation.py [package ...]`; packages are installed into a temporary folder that is not
site-packages, so that they count as the user's own. For each, a traced call tells which functions ran; some of these,
and some that did not run, are changed one by one, each in a fresh process.
"""

from __future__ import annotations

import ast
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EACH = 20

DRIVERS = {
    "toolz": """
import toolz
def entry(words):
    counts = toolz.pipe(words, toolz.frequencies, toolz.curry(toolz.valmap)(lambda n: n + 1))
    groups = toolz.groupby(len, words)
    return counts, toolz.merge_with(sum, counts, counts), toolz.keymap(str, groups), \
        list(toolz.sliding_window(2, words)), toolz.reduceby(len, lambda a, b: a + b, words), \
        list(toolz.partition_all(2, words)), toolz.get_in([0], words), \
        toolz.assoc({}, 1, 2), toolz.compose(str, len)(words), \
        list(toolz.interleave([words, words])), toolz.first(words)
ARGUMENTS = (["a", "bb", "a", "cc"],)
""",
    "simpy": """
import simpy
def car(env, pump, log):
    with pump.request() as wait:
        yield wait | env.timeout(3)
        yield env.timeout(2)
        log.append(env.now)
def entry(n):
    env = simpy.Environment()
    pump, log, store = simpy.Resource(env, 2), [], simpy.Store(env, 2)
    tank = simpy.Container(env, 10, init=5)
    for _ in range(n):
        env.process(car(env, pump, log))
    env.process(iter_put(env, store, tank))
    env.run(until=30)
    return log
def iter_put(env, store, tank):
    yield store.put(1)
    yield store.get()
    yield tank.put(1)
    yield tank.get(2)
ARGUMENTS = (5,)
""",
    "uncertainties": """
import uncertainties
from uncertainties import umath
def entry(a, b):
    x, y = uncertainties.ufloat(a, 0.1), uncertainties.ufloat(b, 0.2)
    z = umath.sin(x) * y + x ** 2 / y - umath.exp(y)
    return z.nominal_value, z.std_dev, f"{z:.2u}", str(x + 1), z > x
ARGUMENTS = (1.0, 2.0)
""",
    "mpmath": """
import mpmath
def entry(x):
    with mpmath.workdps(20):
        m = mpmath.matrix([[1, 2], [3, x]])
        return str(mpmath.quad(mpmath.sin, [0, x])), str(mpmath.besselj(0, x)), \
            str(mpmath.zeta(x)), str(mpmath.det(m)), \
            str(mpmath.findroot(lambda t: mpmath.cos(t) - t, 0.7)), str(mpmath.diff(mpmath.exp, x))
ARGUMENTS = (3,)
""",
    "filterpy": """
import numpy as np
from filterpy.kalman import KalmanFilter, UnscentedKalmanFilter, MerweScaledSigmaPoints
from filterpy.common import Q_discrete_white_noise
def entry(kf, measurements):
    kf.Q = Q_discrete_white_noise(2, 0.1, 0.1)
    for z in measurements:
        kf.predict()
        kf.update(z)
    means, covs, _, _ = kf.batch_filter(measurements)
    points = MerweScaledSigmaPoints(2, 0.1, 2.0, 1.0)
    ukf = UnscentedKalmanFilter(2, 1, 0.1, lambda x: x[:1], lambda x, dt: x, points)
    ukf.predict(); ukf.update(1.0)
    return kf.rts_smoother(means, covs)[0], ukf.x
def make():
    kf = KalmanFilter(dim_x=2, dim_z=1)
    kf.F, kf.H = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[1.0, 0.0]])
    return kf
ARGUMENTS = (make(), [1.0, 2.0, 3.0])
""",
    "emcee": """
import emcee
import numpy as np
def log_prob(x): return -0.5 * np.sum(x * x)
def entry(n):
    sampler = emcee.EnsembleSampler(8, 2, log_prob)
    sampler.run_mcmc(np.random.RandomState(0).randn(8, 2), n)
    return sampler.get_chain(flat=True).mean(), sampler.acceptance_fraction, \
        sampler.get_autocorr_time(quiet=True, tol=0)
ARGUMENTS = (50,)
""",
    "networkx": """
import networkx as nx
def entry(graph):
    return nx.shortest_path(graph, 0, 3), nx.pagerank(graph), nx.betweenness_centrality(graph), \
        list(nx.connected_components(graph)), nx.minimum_spanning_tree(graph).edges, nx.degree_centrality(graph)
ARGUMENTS = (nx.path_graph(6),)
""",
    "control": """
import control
def entry(gain):
    system = control.tf([gain], [1, 2, 1])
    closed = control.feedback(system, 1)
    return control.step_response(closed).outputs, control.poles(closed), \
        control.margin(system), control.tf2ss(closed).A
ARGUMENTS = (2.0,)
""",
    "lmfit": """
import numpy as np
from lmfit.models import GaussianModel, LinearModel
def entry(x, y):
    model = GaussianModel() + LinearModel()
    params = model.make_params(amplitude=1, center=0, sigma=1, slope=0, intercept=0)
    result = model.fit(y, params, x=x)
    return result.best_fit, result.fit_report(), result.eval_uncertainty()
_x = np.linspace(-3, 3, 50)
ARGUMENTS = (_x, np.exp(-_x * _x))
""",
}
NEEDS = {"lmfit": ["asteval", "uncertainties", "dill"]}

CHILD = """
import json, sys, warnings
warnings.simplefilter("ignore")
sys.dont_write_bytecode = True
import study
from memo.canonical import encode_arguments
from memo.errors import UnstableArgument
from memo.fingerprint import fingerprint
try:
    roots = encode_arguments(list(study.ARGUMENTS), tuple(f"a{i}" for i in range(len(study.ARGUMENTS))))[1]
except UnstableArgument:
    roots = tuple(type(argument) for argument in study.ARGUMENTS)
base = fingerprint(study.entry)
found = [base.digest.hex(), base.with_roots(roots).digest.hex(), len(base.manifest)]
if sys.argv[1] == "trace":
    ran = set()
    def seen(frame, event, argument):
        if event == "call":
            ran.add((frame.f_code.co_filename, frame.f_code.co_firstlineno))
    sys.setprofile(seen)
    study.entry(*study.ARGUMENTS)
    sys.setprofile(None)
    found += [sorted(ran), sorted(m.__file__ for m in sys.modules.values() if getattr(m, "__file__", None))]
print(json.dumps(found))
"""


def ask(folder: Path, mode: str) -> list:
    """Return what a fresh process finds: digest without and with the arguments' classes, and more if it traces."""
    env = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "MPMATH_NOGMPY": "1", "PYTHONHASHSEED": "0"}
    done = subprocess.run([sys.executable, "-c", CHILD, mode], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def functions(path: Path) -> dict[int, str]:
    """Return the functions of a file by their first line."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found[first_line(node)] = node.name
    return found


def first_line(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the line of a function's first decorator, or its own."""
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def mutated(text: str, line: int) -> str:
    """Return the text with one more statement at the start of the function that begins on a line."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and first_line(node) == line:
            at = 1 if ast.get_docstring(node) is not None else 0
            node.body.insert(at, ast.parse("_mutation = 12345").body[0])
            return ast.unparse(ast.fix_missing_locations(tree))
    raise LookupError(line)


def share(folder: Path, chosen: list[tuple[str, int, str]], before: list) -> tuple[list, list]:
    """Return the functions whose change was missed: by the code alone, and with the arguments' classes."""
    missed: tuple[list, list] = ([], [])
    for file, line, name in chosen:
        path = Path(file)
        text = path.read_text(encoding="utf-8")
        path.write_text(mutated(text, line), encoding="utf-8")
        try:
            after = ask(folder, "ask")
        finally:
            path.write_text(text, encoding="utf-8")
        for way in (0, 1):
            if after[way] == before[way]:
                missed[way].append(f"{path.stem}.{name}")
    return missed


def measure(package: str, folder: Path) -> str:
    """Install one package, change its functions, and return a row of the table."""
    wanted = [package, *NEEDS.get(package, [])]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), *wanted],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    (folder / "study.py").write_text(DRIVERS[package])
    before = ask(folder, "trace")
    ran = {(file, line) for file, line in before[3] if f"{folder}{os.sep}" in file and not file.endswith("study.py")}
    loaded = [file for file in before[4] if str(folder / package) in file and file.endswith(".py")]
    every = [(file, line, name) for file in loaded for line, name in functions(Path(file)).items()]
    chance = random.Random(0)
    executed = [one for one in every if one[:2] in ran]
    idle = [one for one in every if one[:2] not in ran]
    executed, idle = (chance.sample(group, min(EACH, len(group))) for group in (executed, idle))
    missed = share(folder, executed, before)
    quiet = share(folder, idle, before)
    recall = [100 * (1 - len(group) / len(executed)) for group in missed]
    noise = [100 * (1 - len(group) / len(idle)) for group in quiet]
    print(f"  {package} missed: {missed[1]}", file=sys.stderr)
    return f"| {package} | {recall[0]:.0f} % | {recall[1]:.0f} % | {noise[1]:.0f} % | {before[2]} |"


def main() -> None:
    """Print the table."""
    print("| package | recall, code | recall, with arguments' classes | of those not run, changed | ingredients |")
    print("|---|---|---|---|---|")
    for package in sys.argv[1:] or DRIVERS:
        with tempfile.TemporaryDirectory() as folder:
            print(measure(package, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
