"""Everything that can be decorated, and everything that it can call: an edit of its code computes again."""

from __future__ import annotations

import pytest

ENTRIES = {
    "method": "class Model:\n    def __init__(self, k): self.k = k\n    @memo.cached\n    def fit(self, x):\n"
    "        ran()\n        return x + self.k + 1\ndef call(x): return Model(2).fit(x)\n",
    "method through a helper": "class Model:\n    @memo.cached\n    def fit(self, x):\n        ran()\n"
    "        return self.step(x)\n    def step(self, x): return x + 2 + 1\ndef call(x): return Model().fit(x)\n",
    "inherited method": "class Base:\n    @memo.cached\n    def fit(self, x):\n        ran()\n"
    "        return self.step(x)\nclass Model(Base):\n    def step(self, x): return x + 2 + 1\n"
    "def call(x): return Model().fit(x)\n",
    "classmethod": "class Model:\n    k = 2\n    @classmethod\n    @memo.cached\n    def fit(cls, x):\n        ran()\n"
    "        return x + cls.k + 1\ndef call(x): return Model.fit(x)\n",
    "staticmethod": "class Model:\n    @staticmethod\n    @memo.cached\n    def fit(x):\n        ran()\n"
    "        return x + 2 + 1\ndef call(x): return Model.fit(x)\n",
    "property": "class Model:\n    def __init__(self, k): self.k = k\n    @property\n    @memo.cached\n"
    "    def rate(self):\n        ran()\n        return self.k + 2 + 1\ndef call(x): return Model(x).rate\n",
    "call method": "class Model:\n    def __init__(self, k): self.k = k\n    @memo.cached\n    def __call__(self, x):\n"
    "        ran()\n        return x + self.k + 1\ndef call(x): return Model(2)(x)\n",
    "callable object": "class Model:\n    def __init__(self, k): self.k = k\n    def __call__(self, x):\n"
    "        ran()\n        return x + self.k + 1\ncall = memo.cached(Model(2))\n",
    "partial": "import functools\ndef fit(k, x):\n    ran()\n    return x + k + 1\n"
    "call = memo.cached(functools.partial(fit, 2))\n",
    "partial of a method": "import functools\nclass Model:\n    def fit(self, k, x):\n        ran()\n"
    "        return x + k + 1\ncall = memo.cached(functools.partial(Model().fit, 2))\n",
    "bound method": "class Model:\n    def __init__(self, k): self.k = k\n    def fit(self, x):\n        ran()\n"
    "        return x + self.k + 1\ncall = memo.cached(Model(2).fit)\n",
    "lambda": "call = memo.cached(lambda x: (ran(), x + 2 + 1)[1])\n",
    "nested factory": "def make(k):\n    @memo.cached\n    def fit(x):\n        ran()\n        return x + k + 1\n"
    "    return fit\ncall = make(2)\n",
    "decorated below": "import functools\ndef twice(f):\n    @functools.wraps(f)\n    def inner(x): return f(x) + 1\n"
    "    return inner\n@memo.cached\n@twice\ndef call(x):\n    ran()\n    return x + 2\n",
    "decorated above": "import functools\ndef one(f):\n    @functools.wraps(f)\n    def inner(x): return f(x)\n"
    "    return inner\n@one\n@memo.cached\ndef call(x):\n    ran()\n    return x + 2 + 1\n",
    "cached calls cached": "@memo.cached\ndef inner(x): return x + 2\n@memo.cached\ndef call(x):\n    ran()\n"
    "    return inner(x) + 1\n",
    "cached calls a helper of cached": "def helper(x): return x + 2\n@memo.cached\ndef inner(x): return helper(x)\n"
    "@memo.cached\ndef call(x):\n    ran()\n    return inner(x) + 1\n",
    "cached calls a cached method": "class Model:\n    @memo.cached\n    def fit(self, x): return x + 2\n"
    "MODEL = Model()\n@memo.cached\ndef call(x):\n    ran()\n    return MODEL.fit(x) + 1\n",
    "cached calls a cached property": "class Model:\n    @property\n    @memo.cached\n    def rate(self): return 2\n"
    "@memo.cached\ndef call(x):\n    ran()\n    return Model().rate + x + 1\n",
    "cached as an argument": "@memo.cached\ndef inner(x): return x + 2\n@memo.cached\ndef outer(f, x):\n    ran()\n"
    "    return f(x) + 1\ndef call(x): return outer(inner, x)\n",
    "cached captured": "@memo.cached\ndef inner(x): return x + 2\ndef make(f):\n    @memo.cached\n    def fit(x):\n"
    "        ran()\n        return f(x) + 1\n    return fit\ncall = make(inner)\n",
    "cached in a table": "@memo.cached\ndef inner(x): return x + 2\nTABLE = {'a': inner}\n@memo.cached\ndef call(x):\n"
    "    ran()\n    return TABLE['a'](x) + 1\n",
    "partial of a cached": "import functools\n@memo.cached\ndef inner(k, x): return x + k\n"
    "step = functools.partial(inner, 2)\n@memo.cached\ndef call(x):\n    ran()\n    return step(x) + 1\n",
    "generator helper": "def helper(x):\n    yield x + 2\n@memo.cached\ndef call(x):\n    ran()\n"
    "    return next(helper(x)) + 1\n",
    "generator of generators": "def helper(x):\n    yield x + 2\ndef middle(x):\n    yield from helper(x)\n"
    "@memo.cached\ndef call(x):\n    ran()\n    return sum(middle(x)) + 1\n",
    "coroutine helper": "import asyncio\nasync def helper(x):\n    await asyncio.sleep(0)\n    return x + 2\n"
    "@memo.cached\ndef call(x):\n    ran()\n    return asyncio.run(helper(x)) + 1\n",
    "async generator helper": "import asyncio\nasync def helper(x):\n    yield x + 2\nasync def all_of(x):\n"
    "    return [y async for y in helper(x)]\n@memo.cached\ndef call(x):\n    ran()\n"
    "    return asyncio.run(all_of(x))[0] + 1\n",
    "async context manager": "import asyncio, contextlib\n@contextlib.asynccontextmanager\nasync def helper(x):\n"
    "    yield x + 2\nasync def use(x):\n    async with helper(x) as y: return y\n@memo.cached\ndef call(x):\n"
    "    ran()\n    return asyncio.run(use(x)) + 1\n",
    "context manager": "import contextlib\n@contextlib.contextmanager\ndef helper(x):\n    yield x + 2\n@memo.cached\n"
    "def call(x):\n    ran()\n    with helper(x) as y: return y + 1\n",
    "iterator class": "class Steps:\n    def __iter__(self): return self\n    def __next__(self): return 2\n"
    "@memo.cached\ndef call(x):\n    ran()\n    return next(Steps()) + x + 1\n",
    "mutual recursion": "def odd(n): return n != 0 and even(n - 1)\ndef even(n): return n == 0 or odd(n - 1)\n"
    "@memo.cached\ndef call(x):\n    ran()\n    return x + 2 + 1 if even(2) else odd(x)\n",
    "partialmethod": "import functools\nclass Model:\n    def step(self, k, x): return x + k\n"
    "    fit = functools.partialmethod(step, 2)\n@memo.cached\ndef call(x):\n    ran()\n"
    "    return Model().fit(x) + 1\n",
    "singledispatchmethod": "import functools\nclass Model:\n    @functools.singledispatchmethod\n"
    "    def fit(self, x): return 0\n    @fit.register\n    def _(self, x: int): return x + 2\n@memo.cached\n"
    "def call(x):\n    ran()\n    return Model().fit(x) + 1\n",
    "stacked partials": "import functools\ndef fit(k, x): return x + k\n"
    "step = functools.partial(functools.partial(fit), 2)\n@memo.cached\ndef call(x):\n    ran()\n"
    "    return step(x) + 1\n",
    "composed by a library": "import functools, operator\ndef add(x, k): return x + k\n@memo.cached\ndef call(x):\n"
    "    ran()\n    return functools.reduce(add, [x, 2, 1])\n",
    "default that is a function": "def helper(x): return x + 2\n@memo.cached\ndef call(x, f=helper):\n    ran()\n"
    "    return f(x) + 1\n",
    "class as a factory": "class Model:\n    def __new__(cls, x): return x + 2\n@memo.cached\ndef call(x):\n    ran()\n"
    "    return Model(x) + 1\n",
    "init_subclass": "class Base:\n    def __init_subclass__(cls): cls.k = 2\nclass Model(Base): pass\n@memo.cached\n"
    "def call(x):\n    ran()\n    return Model.k + x + 1\n",
    "class_getitem": "class Model:\n    def __class_getitem__(cls, x): return x + 2\n@memo.cached\ndef call(x):\n"
    "    ran()\n    return Model[x] + 1\n",
    "set_name": "class Field:\n    def __set_name__(self, owner, name): owner.k = 2\nclass Model:\n    f = Field()\n"
    "@memo.cached\ndef call(x):\n    ran()\n    return Model.k + x + 1\n",
}  # fmt: skip
EDITS = {
    "mutual recursion": ("n == 0 or", "n >= 0 or"),
    "composed by a library": ("return x + k", "return k + x"),
}


@pytest.mark.parametrize("name", ENTRIES)
def test_every_kind_of_entry_is_kept_until_its_code_changes(project, monkeypatch, name):
    """The second process that calls gets what the first one stored; after an edit it computes, and back it does not."""
    ran = []
    monkeypatch.setattr("builtins.ran", lambda: ran.append(1), raising=False)
    source = "import memo\n" + ENTRIES[name]
    old, new = EDITS.get(name, ("2", "(2.0)"))
    edited = source.replace(old, new)
    assert edited != source
    assert project("study", source).call(3) == 6
    study = project("study", source)
    assert study.call(3) == study.call(3) == 6
    assert len(ran) == 1
    assert project("study", edited).call(3) == 6
    assert len(ran) == 2
    assert project("study", source).call(3) == 6
    assert len(ran) == 2
