"""The canonical form of torch's and jax's tensors: dtype, shape and values count, device and strides do not."""

from __future__ import annotations

import copy
import importlib
from importlib.util import find_spec

import numpy as np

from cas import form
from memo.canonical import encode

if find_spec("torch") is not None:  # no wheel without a GPU's libraries everywhere
    torch = importlib.import_module("torch")

    def test_attribute_of_a_tensor_counts() -> None:
        """A unit that was set on a tensor is part of it."""
        value = torch.ones(2)
        value.unit = "V"
        assert encode(value) != encode(torch.ones(2))

    def test_what_counts_of_a_tensor() -> None:
        """Values, dtype, shape, layout, class and whether gradients are recorded tell tensors apart."""
        value = torch.arange(6.0).reshape(2, 3)
        values = [
            *(value, value.double(), value.T, value.reshape(3, 2), value.bfloat16(), value.half(), value + 1),
            *(value.clone().requires_grad_(), torch.nn.Parameter(value), value.to_sparse(), value.to(torch.complex64)),
            *(value.bool(), value.bfloat16() + 1, value.numpy(), torch.tensor(1.0), torch.tensor([1.0])),
            *(torch.float32, torch.float64, torch.device("cpu"), torch.device("cpu", 1), torch.Size([2]), (2,)),
            *(torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)),
        ]
        assert len({encode(value) for value in values}) == len(values)
        assert form.unpack(encode(value)).text.partition("~")[0] == "Tensor float32[2, 3]"

    def test_what_does_not_count_of_a_tensor() -> None:
        """Strides, lazy conjugation and uncoalesced duplicates are no part of a value."""
        value = torch.arange(6.0).reshape(2, 3)
        assert encode(value.T.contiguous().T) == encode(value)
        assert encode(torch.tensor([1 + 2j]).conj()) == encode(torch.tensor([1 - 2j]))
        indices = torch.tensor([[0, 0]])
        twice = torch.sparse_coo_tensor(indices, torch.tensor([1.0, 2.0]), (2,), check_invariants=False)
        assert encode(twice) == encode(torch.tensor([3.0, 0.0]).to_sparse())

    def test_modules_count_by_their_parameters() -> None:
        """Two networks are equal if their parameters are."""
        one = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())
        other = copy.deepcopy(one)
        assert encode(one) == encode(other)
        with torch.no_grad():
            other[0].weight[0, 0] += 1
        assert encode(one) != encode(other)


if find_spec("jax") is not None:
    jax = importlib.import_module("jax")

    def test_what_counts_of_a_jax_array() -> None:
        """Values, dtype, shape and a weak type tell arrays apart; how one was made does not."""
        value = jax.numpy.arange(6.0).reshape(2, 3)
        values = [
            *(value, value.astype("bfloat16"), value.T, value + 1, jax.numpy.asarray(1.0), jax.numpy.array(1.0, "f4")),
            *(jax.random.key(1), jax.random.key(2), jax.random.key_data(jax.random.key(1)), np.asarray(value)),
        ]
        assert len({encode(value) for value in values}) == len(values)
        assert encode(jax.numpy.asarray(np.arange(6, dtype="f4").reshape(2, 3))) == encode(value)
        assert form.unpack(encode(value)).text.partition("~")[0] == "Array float32[2, 3]"
