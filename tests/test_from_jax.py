"""Functions of JAX opened: their values and gradients, proved on the spot, and what cannot be opened is named."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_mini
import nn
from autograd_mini import DataError, Node, backward
from autograd_mini.errors import BridgeError
from autograd_mini.sweep import order
from viz import player

jax = pytest.importorskip("jax", reason="JAX is an extra")
jnp = jax.numpy

from autograd_mini.bridges import jax_ops  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*encountered in cast:RuntimeWarning"),  # JAX's own, of -inf as an int
]
RNG = np.random.default_rng(4)
X = RNG.normal(size=(4, 5))
Y = RNG.normal(size=(4, 5))
IMAGES = RNG.normal(size=(2, 8, 8, 3))
KERNEL = RNG.normal(size=(3, 3, 3, 4))
LABELS = np.array([0, 2, 1, 4])
NHWC = ("NHWC", "HWIO", "NHWC")


@pytest.fixture(autouse=True)
def _double_precision():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def weighted(z: Any) -> Any:
    """A number made of all entries of z, each with another weight."""
    return jnp.sum(z * np.cos(np.arange(z.size, dtype=z.dtype)).reshape(z.shape))


_ACTIVATIONS = """relu relu6 sigmoid softplus silu gelu elu selu celu leaky_relu log_sigmoid soft_sign softmax
log_softmax hard_tanh hard_sigmoid hard_silu squareplus mish logsumexp"""
_FUNCTIONS = """sin cos tan exp log1p expm1 tanh sinh cosh arcsinh arctan sqrt square abs sign floor ceil cbrt
reciprocal exp2 log log2 log10 sinc"""
CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "activations": (lambda a: sum(weighted(getattr(jax.nn, n)(a)) for n in _ACTIVATIONS.split()), (X,)),
    "gated": (lambda a: weighted(jax.nn.glu(a, 0)), (X,)),
    "functions": (lambda a: sum(weighted(getattr(jnp, n)(jnp.abs(a) + 0.1)) for n in _FUNCTIONS.split()), (X,)),
    "products": (lambda a, b: weighted(a @ b.T) + weighted(jnp.einsum("ij,ij->j", a, b)) + a[0] @ b[1], (X, Y)),
    "a batch of products": (lambda a: weighted(jax.vmap(jnp.outer)(a, a)), (X,)),
    "sorted": (lambda a: weighted(jnp.sort(a, 0)) + weighted(a[jnp.argsort(a[:, 0])]), (X,)),
    "largest": (lambda a: weighted(jax.lax.top_k(a, 2)[0]) + a.max() + weighted(a.min(1)), (X,)),
    "added at an index": (lambda a: weighted(jnp.tanh(a).at[jnp.array([0, 0, 2])].add(a[:3] ** 2)), (X,)),
    "set at an index": (lambda a: weighted(a.at[1].set(a[0] * 2.0)), (X,)),
    "spread": (lambda a: jnp.std(a) + weighted(jnp.var(a, 0)) + jnp.linalg.norm(a), (X,)),
    "running": (lambda a: weighted(jnp.cumsum(a, 1)) + weighted(jnp.cumprod(a, 0)), (X,)),
    "running log": (lambda a: weighted(jax.lax.cumlogsumexp(a, 1)), (X,)),
    "taken": (lambda a: weighted(jnp.take(a, jnp.array([1, 1, 3]), axis=0)), (X,)),
    "padded": (lambda a: weighted(jnp.pad(a, ((1, 2), (0, 1)), constant_values=2.0) ** 2), (X,)),
    "rolled": (lambda a: weighted(jnp.roll(a, 1, 0) * jnp.flip(a, 1)), (X,)),
    "joined": (lambda a, b: weighted(jnp.concatenate([a, b], 1)) + weighted(jnp.stack([a, b * a], -1)), (X, Y)),
    "split": (lambda a: weighted(jnp.split(a, 2)[1] ** 2), (X,)),
    "clipped": (lambda a: weighted(jnp.clip(a, -0.5, 0.5)), (X,)),
    "chosen": (lambda a: weighted(jnp.where((a > 0.0) & (a < 1.0), a**2, -a)), (X,)),
    "chosen of three": (lambda a: weighted(jnp.select([a > 1.0, a > 0.0], [a, a * a], 0.0)), (X,)),
    "comparisons": (lambda a, b: weighted(jnp.where((a >= b) | ~(a <= 0.3) | (a != a), a * b, a)), (X, Y)),
    "two arguments": (lambda a, b: weighted(jnp.arctan2(a, b) + jnp.hypot(a, b) + jnp.logaddexp(a, b)), (X, Y)),
    "remainders": (lambda a: weighted(jnp.fmod(a, 0.3) + jnp.mod(a, 0.7)), (X,)),
    "powers": (lambda a: weighted(jnp.abs(a) ** 1.7 + a**3 + jax.lax.rsqrt(jnp.abs(a) + 1.0)), (X,)),
    "scan": (lambda a: weighted(jax.lax.scan(lambda c, r: (jnp.tanh(c + r), c * r), jnp.zeros(5), a)[1]), (X,)),
    "scan, carried": (lambda a: weighted(jax.lax.scan(lambda c, r: (jnp.tanh(c + r), 0), a[0], a)[0]), (X,)),
    "scan, reversed": (
        lambda a: weighted(jax.lax.scan(lambda c, r: (jnp.sin(c) + r, c), jnp.zeros(5), a, reverse=True)[1]),
        (X,),
    ),
    "a loop": (lambda a: weighted(jax.lax.fori_loop(0, 3, lambda i, c: jnp.sin(c) * (i + 1), a)), (X,)),
    "a loop as long as": (
        lambda a: jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, jnp.sin(c[1])), (0, a))[1].sum(),
        (X,),
    ),
    "a branch": (lambda a: jax.lax.cond(a.sum() > 0.0, jnp.sum, lambda t: (t**2).sum(), a), (X,)),
    "jit in jit": (lambda a: weighted(jax.jit(lambda q: jax.jit(jnp.tanh)(q) * 2.0)(a)), (X,)),
    "a gradient inside": (lambda a: (jax.grad(lambda q: (q**3).sum())(a) ** 2).sum(), (X,)),
    "drawn": (lambda a: jnp.where(jax.random.bernoulli(jax.random.key(0), 0.5, a.shape), a / 0.5, 0.0).sum(), (X,)),
    "stopped": (lambda a: (a * jax.lax.stop_gradient(a)).sum(), (X,)),
    "convolution": (
        lambda a, w: weighted(jax.lax.conv_general_dilated(a, w, (2, 1), "SAME", dimension_numbers=NHWC)),
        (IMAGES, KERNEL),
    ),
    "convolution with holes": (
        lambda a, w: weighted(
            jax.lax.conv_general_dilated(a, w, (1, 1), "VALID", rhs_dilation=(2, 2), dimension_numbers=NHWC)
        ),
        (IMAGES, KERNEL),
    ),
    "convolution in groups": (
        lambda a, w: weighted(
            jax.lax.conv_general_dilated(a, w, (1, 1), "SAME", dimension_numbers=NHWC, feature_group_count=3)
        ),
        (IMAGES, RNG.normal(size=(3, 3, 1, 6))),
    ),
    "transposed convolution": (
        lambda a, w: weighted(jax.lax.conv_transpose(a, w, (2, 2), "SAME")),
        (IMAGES, KERNEL),
    ),
    "cropped convolution": (
        lambda a, w: weighted(jax.lax.conv_general_dilated(a, w, (1, 1), [(-1, 0), (1, -2)], dimension_numbers=NHWC)),
        (IMAGES, KERNEL),
    ),
    "pooled maximum": (
        lambda a: weighted(jax.lax.reduce_window(a, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")),
        (np.maximum(IMAGES, 0.0),),
    ),
    "pooled mean": (
        lambda a: weighted(jax.lax.reduce_window(a, 0.0, jax.lax.add, (1, 3, 3, 1), (1, 2, 2, 1), "SAME") / 9.0),
        (IMAGES,),
    ),
    "attention": (
        lambda a: weighted(jax.nn.dot_product_attention(*[a.reshape(1, 4, 1, 5)] * 3, is_causal=True)),
        (X,),
    ),
    "cross-entropy": (
        lambda a: -(jax.nn.one_hot(LABELS, 5) * jax.nn.log_softmax(a)).sum() / 4.0,
        (X,),
    ),
    "a vector": (lambda a: jnp.sin(a)[0], (X,)),
}


LOOSE = {"attention": 1e3}  # JAX takes its softmax in float32


@pytest.fixture(scope="module")
def forward_mode() -> dict[str, tuple[Any, Any, tuple[Any, ...]]]:
    """Value and slope of every case along a random direction, and that: forward mode, which JAX compiles at once."""
    rng = np.random.default_rng(5)
    with jax.enable_x64(True):
        given = {name: tuple(map(jnp.asarray, args)) for name, (_, args) in CASES.items()}
        along = {name: tuple(jnp.asarray(rng.normal(size=x.shape)) for x in args) for name, args in given.items()}
        found = jax.jit(lambda given, along: {n: jax.jvp(CASES[n][0], given[n], along[n]) for n in CASES})(given, along)
    return {name: (*found[name], along[name]) for name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_the_record_has_jaxs_value_and_gradients(name: str, forward_mode: Any) -> None:
    """The proof is from_jax's own; here its numbers are compared once more."""
    function, args = CASES[name]
    root, loose = autograd_mini.from_jax(function, *map(jnp.asarray, args)), LOOSE.get(name, 1.0)
    value, slope, along = forward_mode[name]
    np.testing.assert_allclose(root.data, value, rtol=1e-9 * loose, atol=1e-12)
    backward(root, np.ones(value.shape) if value.ndim else None)
    leaves = root.proof.leaves.values()
    assert len(leaves) == len(args)
    found = sum((node.grad * direction).sum() for node, direction in zip(leaves, along))
    np.testing.assert_allclose(found, slope.sum(), rtol=1e-8 * loose, atol=1e-10 * loose)
    assert root.proof.difference < 1e-9 * loose
    assert "JAX's: the largest relative difference is" in str(root.proof)


def test_leaves_are_named_by_their_place_and_keep_their_form() -> None:
    params = {"w": [jnp.asarray(X), jnp.asarray(Y)], "b": jnp.ones(4), "n": 3}
    root = autograd_mini.from_jax(lambda params, x: weighted(jnp.tanh(params["w"][0] @ x + params["b"])), params, X[0])
    assert set(root.proof.leaves) == {"params['b']", "params['w'][0]", "params['w'][1]", "x"}
    root.backward()
    assert root.proof.leaves["params['w'][1]"].grad.tolist() == np.zeros((4, 5)).tolist()


def test_float32_stays_float32_and_is_proved_to_its_precision() -> None:
    root = autograd_mini.from_jax(lambda a: jnp.tanh(a @ a.T).sum(), jnp.asarray(X, jnp.float32))
    assert root.proof.allowed == 1e-4
    root.backward()
    assert root.proof.leaves["a"].grad.dtype == np.float32


def test_lines_scopes_and_jitted_functions_are_known() -> None:
    @jax.jit
    def attention(q: Any) -> Any:
        return jnp.tanh(q)

    def model(a: Any) -> Any:
        with jax.named_scope("encoder"):
            h = attention(a)
        return (h * 2.0).sum()

    root = autograd_mini.from_jax(model, jnp.asarray(X))
    (product,) = [x for x in root.args if isinstance(x, Node)]
    inner = product.args[0]
    assert (inner.op.name, inner.source[0]) == ("tanh", __file__)
    assert inner.group.path == "encoder/attention"


def test_a_scope_is_one_group_however_many_equations_it_has() -> None:
    def model(a: Any) -> Any:
        with jax.named_scope("layer"):
            return jnp.tanh(jnp.sin(a) * 2.0).sum()

    nodes = order(autograd_mini.from_jax(model, jnp.asarray(X)))
    assert {node.group.path for node in nodes if node.op} == {"layer"}
    assert len({id(node.group) for node in nodes if node.op}) == 1


def test_loops_and_branches_on_data_are_noted() -> None:
    for name, words in (("a branch", "branch 0 was taken"), ("a loop as long as", "a loop went round 3 times")):
        function, args = CASES[name]
        assert words in str(autograd_mini.from_jax(function, *map(jnp.asarray, args)).proof)


def test_a_choice_by_comparison_moves_with_its_inputs() -> None:
    """A condition is recorded, not decided: another input takes the other branch in a program, too."""
    root = autograd_mini.from_jax(lambda x: jnp.where(x > 1.0, x * x, -x), jnp.asarray(2.0))
    program = autograd_mini.compile(root, list(root.proof.leaves.values()))
    assert [program(v)[0] for v in (2.0, 0.5)] == [4.0, -0.5]


CAUSAL, KEPT = jnp.tril(jnp.ones((3, 3), bool)), jnp.array([True, False, True])
MASKED = {
    "a triangle": (lambda x: jnp.where(jnp.tril(jnp.ones((3, 3), bool)), x @ x, -1.0), False),
    "tril": (lambda x: jnp.tril(x), False),
    "a jitted mask": (lambda x: jax.jit(jnp.where)(CAUSAL, x, 0.0), False),
    "in a scan": (lambda x: jax.lax.scan(lambda c, r: (jnp.where(KEPT, c * r, c), None), x[0], x)[0], False),
    "by the numbers of an input": (lambda x: jnp.where(jax.lax.stop_gradient(x) > 0.0, x, 2.0 * x), True),
    "by them in a call": (lambda x: jnp.where(jax.jit(jax.lax.stop_gradient)(x) > 0.0, x, 2.0 * x), True),
    "by them in a scan": (
        lambda x: jax.lax.scan(lambda c, r: (jnp.where(jax.lax.stop_gradient(r) > 0.0, c, r), None), x[0], x)[0], True,
    ),
    "by those of a scan": (
        lambda x: jnp.where(jax.lax.scan(lambda c, r: (c, jax.lax.stop_gradient(r) > 0), 0.0, x)[1], x, 2.0 * x), True,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("function", "decided"), MASKED.values(), ids=MASKED)
def test_a_mask_that_no_input_changes_is_a_constant_and_the_page_computes_anew(function: Any, decided: bool) -> None:
    root = autograd_mini.from_jax(lambda x: function(x).sum(), jnp.asarray(np.cos(np.arange(9.0)).reshape(3, 3)))
    assert ("lacking" in player(root).record) == decided


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda a: jax.scipy.special.erfinv(a / 10.0).sum(), "erf_inv cannot be taken over: it has no equivalent here"),
        (lambda a: jnp.fft.fft(a).real.sum(), "cannot be taken over"),
        (lambda a: jnp.argmax(a) * 1.0, "depends on no floating-point argument"),
        (lambda a: jax.lax.stop_gradient(a).sum(), "depends on no floating-point argument"),
    ],
)
def test_what_cannot_be_taken_over_is_named(function: Any, words: str) -> None:
    with pytest.raises(BridgeError, match=re.escape(words)):
        autograd_mini.from_jax(function, jnp.asarray(X))


def test_wrong_arguments_are_named() -> None:
    for call, words in (
        (lambda: autograd_mini.from_jax(3), "takes a function and its arguments, got int"),
        (lambda: autograd_mini.from_jax(lambda a: (a, a), jnp.ones(2)), "returns 2 arrays"),
        (lambda: autograd_mini.from_jax(lambda a: a.sum(), jnp.ones(2, jnp.complex64)), "a is complex64"),
        (lambda: autograd_mini.from_jax(lambda a: a.sum(), jnp.ones(2, jnp.bfloat16)), "a is bfloat16"),
    ):
        with pytest.raises(DataError, match=re.escape(words)):
            call()


@pytest.mark.parametrize(
    ("name", "wrong", "words"),
    [
        ("tanh", lambda x, **_: x, "tanh is the first that differs"),
        ("sin", lambda x, **_: autograd_mini.ops.sin(x) + 0.0 * x.detach(), ""),
        ("exp", lambda x, **_: x - x.detach() + x.detach().exp(), "the gradient of exp is the first that differs"),
    ],
)
def test_a_fault_of_the_bridge_is_caught_and_named(name: str, wrong: Any, words: str, monkeypatch: Any) -> None:
    monkeypatch.setitem(jax_ops.OPS, name, wrong)
    function = lambda a: jnp.sum(getattr(jnp, name)(jnp.sin(a) if name == "exp" else a) * 3.0)
    if not words:
        autograd_mini.from_jax(function, jnp.asarray(X))
        return
    with pytest.raises(BridgeError, match=f"{words}, by .* at .*test_from_jax.py"):
        autograd_mini.from_jax(function, jnp.asarray(X))


def test_what_leaves_for_jax_comes_back_the_same() -> None:
    net = nn.MLP(3, [4, 2], "tanh", "softmax", layer=nn.Dense, rng=0)
    f, params = nn.export.to_jax(net)
    x = RNG.normal(size=(5, 3))
    root = autograd_mini.from_jax(lambda params, x: f(params, x), params, jnp.asarray(x))
    np.testing.assert_allclose(root.data, net(x).data, rtol=1e-12)


def test_the_readers_read_it() -> None:
    root = autograd_mini.from_jax(lambda x, w: jnp.tanh(x * w), jnp.asarray(0.5), jnp.asarray(2.0))
    assert "/dw = 0.209987" in str(autograd_mini.explain(root))
