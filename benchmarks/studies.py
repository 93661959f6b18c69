"""Small studies, each with a real package: what the mutation experiment runs."""

from __future__ import annotations

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
    "pint": """
import pint
def entry(length):
    ureg = pint.UnitRegistry(cache_folder=None)
    speed = length * ureg.meter / (3 * ureg.second)
    total = speed.to("km/hour") + ureg("2 mile/hour")
    return total.magnitude, f"{total:.3f}", (ureg.Quantity(20, "degC")).to("kelvin").m, \
        speed.check("[length]/[time]"), str((speed ** 2).to_base_units()), ureg.parse_units("N*m").dimensionality
ARGUMENTS = (4.0,)
""",
    "asteval": """
import asteval
def entry(text):
    interpreter = asteval.Interpreter(use_numpy=False)
    interpreter("a = [n ** 2 for n in range(5)]")
    interpreter("def f(x, k=2):\\n    if x > 3:\\n        return x * k\\n    return -x")
    return interpreter(text), interpreter("f(4) + f(1)"), interpreter.symtable["a"]
ARGUMENTS = ("sum(a) if a else 0",)
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
DRIVERS["statsmodels"] = """
import numpy as np
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.multitest import multipletests
from statsmodels.tools.tools import add_constant
def entry(x, y):
    fit = OLS(y, add_constant(x)).fit()
    return fit.params, fit.bse, fit.rsquared, fit.conf_int(), fit.f_test(np.eye(2)).fvalue, \
        fit.predict(add_constant(x)), multipletests(fit.pvalues)[1], fit.get_robustcov_results().bse
_x = np.linspace(0, 1, 30)
ARGUMENTS = (_x, 2 * _x + np.sin(9 * _x))
"""
# Run-time dependencies that count as the user's own code as well.
NEEDS = {"lmfit": ["asteval", "uncertainties"], "pint": ["flexcache", "flexparser"]}
# Those that stay someone else's.
FOREIGN = {
    "lmfit": ["dill"],
    "statsmodels": ["pandas", "patsy", "python-dateutil", "six", "packaging"],
}
