"""Transforms against other engines, against each other, and nested: grad, vjp, jvp, jacobian, hessian, hvp."""

from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd_mini import (
    Node,
    Tensor,
    Value,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    no_grad,
    ops,
    value_and_grad,
    vjp,
    zero_grad,
)

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit")  # torch.func's own

M = np.array([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]])
XS = [np.array([0.3, -0.7, 1.1]), np.array([2.0, 0.0, -3.0]), np.array([1e-3, 50.0, -50.0])]
Pair = namedtuple("Pair", "w b")


def near(ours: Any, theirs: Any, tolerance: float = 1e-12) -> None:
    np.testing.assert_allclose(np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float), tolerance, tolerance)


# Functions that are written once and run by every engine, with its own library in the place of numpy.

SCALAR = {
    "polynomial": lambda np, x: (x**3).sum() + x[0] * x[1] * x[2],
    "waves": lambda np, x: (np.sin(x) * np.cos(x * x)).sum(),
    "exponentials": lambda np, x: np.exp(-x * x).sum() * np.tanh(x[0] - x[2]),
    "quotient": lambda np, x: (x / (1.0 + x * x)).sum() ** 2,
    "matrix": lambda np, x: (np.tanh(M_OF[np] @ x) ** 2).sum(),
    "logarithm": lambda np, x: np.log(1.0 + (x * x).sum()),
    "softmax": lambda np, x: (np.exp(x - x[1]) / np.exp(x - x[1]).sum())[0],
    "norm": lambda np, x: ((x * x).sum() + 1.0) ** 0.5 * x[2],
    "reversed": lambda np, x: (x[[2, 0, 0]] * x).sum(),
    "self-outer": lambda np, x: (x[:, None] * x[None, :] * M_OF[np][:1, :]).sum(),
}
VECTOR = {
    "entrywise": lambda np, x: np.sin(x) * x,
    "matrix": lambda np, x: M_OF[np] @ np.tanh(x),
    "table": lambda np, x: x[:, None] * np.exp(x)[None, :],
    "slice": lambda np, x: (x * x)[1:],
    "ratio": lambda np, x: x / (x * x).sum(),
}
M_OF: dict[Any, Any] = {np: M}


@pytest.fixture(scope="module")
def torch() -> Any:
    torch = pytest.importorskip("torch")
    M_OF[torch] = torch.tensor(M)
    return torch


@pytest.fixture(scope="module")
def hips() -> Any:
    hips = pytest.importorskip("autograd")
    M_OF[pytest.importorskip("autograd.numpy")] = M
    return hips


@pytest.mark.parametrize("f", SCALAR.values(), ids=SCALAR)
@pytest.mark.parametrize("x", XS, ids=["small", "zero", "wide"])
def test_first_and_second_derivatives_agree_with_torch(f: Any, x: np.ndarray, torch: Any) -> None:
    def theirs(t: Any) -> Any:
        return f(torch, t)

    def ours(x: Any) -> Any:
        return f(np, x)

    t, v = torch.tensor(x), np.array([1.0, -2.0, 0.5])
    value, slope = value_and_grad(ours)(x)
    near(value, theirs(t))
    near(slope, torch.func.grad(theirs)(t))
    near(grad(ours)(x), slope, 0.0)
    near(hessian(ours)(x), torch.func.hessian(theirs)(t), 1e-10)
    near(hvp(ours)(x, v), torch.func.hessian(theirs)(t) @ torch.tensor(v), 1e-9)
    near(jvp(ours, (x,), (v,))[1], torch.func.jvp(theirs, (t,), (torch.tensor(v),))[1])


@pytest.mark.parametrize("f", VECTOR.values(), ids=VECTOR)
@pytest.mark.parametrize("x", XS[:2], ids=["small", "zero"])
def test_jacobians_agree_with_torch_and_with_products(f: Any, x: np.ndarray, torch: Any) -> None:
    def ours(x: Any) -> Any:
        return f(np, x)

    J = jacobian(ours)(x)
    near(J, torch.func.jacrev(lambda t: f(torch, t))(torch.tensor(x)))
    rng = np.random.default_rng(0)
    v, u = rng.normal(size=x.shape), rng.normal(size=J.shape[: J.ndim - 1])
    value, moved = jvp(ours, (x,), (v,))
    again, pull_back = vjp(ours, x)
    near(moved, np.tensordot(J, v, 1))
    near(pull_back(u)[0], np.tensordot(u, J, u.ndim))
    near((moved * u).sum(), (pull_back(u)[0] * v).sum())
    near(value, again, 0.0)


@pytest.mark.parametrize(
    "f", [f for name, f in SCALAR.items() if name != "reversed"], ids=[n for n in SCALAR if n != "reversed"]
)
def test_derivatives_agree_with_hips_autograd(f: Any, hips: Any) -> None:
    anp = pytest.importorskip("autograd.numpy")
    x = XS[0]
    near(grad(lambda x: f(np, x))(x), hips.grad(lambda x: f(anp, x))(x))
    near(hessian(lambda x: f(np, x))(x), hips.hessian(lambda x: f(anp, x))(x))


UNARY = ["sin", "cos", "tanh", "exp", "square", "sigmoid", "negative"]


def random_function(seed: int) -> Callable[[Any, Any], Any]:
    """Return f(library, x), a random composition of a dozen ops that keeps its numbers near one."""
    rng = np.random.default_rng(seed)
    steps = [
        (UNARY[rng.integers(len(UNARY))], rng.integers(3), rng.integers(100), rng.integers(100)) for _ in range(12)
    ]
    apply = {
        "sigmoid": lambda lib, x: 1.0 / (1.0 + lib.exp(-x)),
        "exp": lambda lib, x: lib.exp(-x * x),
        "square": lambda lib, x: x * x / (1.0 + x * x),
        "negative": lambda lib, x: -x,
    }

    def f(lib: Any, x: Any) -> Any:
        pool = [x, x * 0.5]
        for name, how, i, j in steps:
            a, b = pool[i % len(pool)], pool[j % len(pool)]
            y = apply[name](lib, a) if name in apply else getattr(lib, name)(a)
            pool.append([y, y * b, y - b][how])
        return (pool[-1] + pool[-2] * pool[-3]).sum()

    return f


@pytest.mark.parametrize("seed", range(20))
def test_random_functions_agree_with_torch_to_the_second_order(seed: int, torch: Any) -> None:
    f, x = random_function(seed), np.random.default_rng(seed).normal(size=3)
    t, v = torch.tensor(x), np.array([0.5, -1.0, 2.0])
    near(grad(lambda x: f(np, x))(x), torch.func.grad(lambda t: f(torch, t))(t), 1e-10)
    H = torch.func.hessian(lambda t: f(torch, t))(t)
    near(hessian(lambda x: f(np, x))(x), H, 1e-8)
    near(hvp(lambda x: f(np, x))(x, v), H @ torch.tensor(v), 1e-8)
    near(jvp(grad(lambda x: f(np, x)), (x,), (v,))[1], H @ torch.tensor(v), 1e-8)


# Exact to the last digit that arithmetic allows -----------------------------------------------------------------------


def test_the_jacobian_of_softmax_is_its_textbook_form() -> None:
    for x in (*XS, np.array([1000.0, 0.0, -1000.0]), np.zeros(5)):
        a = ops.softmax(x)
        near(jacobian(ops.softmax)(x), np.diag(a) - np.outer(a, a), 1e-16)


def test_the_jacobian_of_a_linear_map_is_its_matrix() -> None:
    for x in XS:
        assert np.array_equal(jacobian(lambda x: M @ x)(x), M)
        assert np.array_equal(jacobian(lambda W: W @ x)(M)[1, 1], x)  # noqa: B023
        assert np.array_equal(hessian(lambda x: x @ (np.diag([1.0, 2.0, 3.0]) @ x) / 2.0)(x), np.diag([1.0, 2.0, 3.0]))


# Arguments, forms and results -----------------------------------------------------------------------------------------


def f3(x: Any, y: Any, z: Any) -> Any:
    return x * x * y + y * z * z * z


def test_argnums_choose_arguments_in_any_order() -> None:
    expected = {0: 12.0, 1: 68.0, 2: 144.0}  # at (2, 3, 4)
    for argnums in (0, 1, 2, -1, -2, -3):
        assert grad(f3, argnums)(2.0, 3.0, 4.0) == expected[argnums % 3]
    for argnums in ((0,), (0, 1), (2, 0), (-1, 0, 1), [1, 2]):
        assert grad(f3, argnums)(2.0, 3.0, 4.0) == tuple(expected[i % 3] for i in argnums)
    assert grad(f3, ())(2.0, 3.0, 4.0) == ()
    assert hessian(f3, (0, 2))(2.0, 3.0, 4.0) == ((6.0, 0.0), (0.0, 72.0))
    assert hvp(f3, (0, 2))(2.0, 3.0, 4.0, (1.0, 10.0)) == (6.0, 720.0)
    assert vjp(f3, 2.0, 3.0, 4.0, argnums=1)[1](2.0) == 136.0
    assert vjp(f3, 2.0, 3.0, 4.0)[1](1.0) == (12.0, 68.0, 144.0)


def test_keyword_arguments_are_passed_on() -> None:
    def f(x: Any, *, scale: float = 1.0) -> Any:
        return scale * x * x

    assert grad(f)(3.0, scale=10.0) == 60.0
    assert value_and_grad(f)(3.0, scale=10.0) == (90.0, 60.0)
    assert hessian(f)(3.0, scale=10.0) == jacobian(grad(f))(3.0, scale=10.0) == hvp(f)(3.0, 1.0, scale=10.0) == 20.0


def test_lists_tuples_and_dicts_keep_their_form() -> None:
    def loss(p: Any) -> Any:
        return ((p["layers"][0].w * 2.0 + p["layers"][0].b) ** 2).sum() + p["scale"] * p["rest"][0][0]

    point = {"layers": [Pair(np.array([1.0, 2.0]), 0.5)], "scale": 3, "rest": ([4.0],), "unused": np.ones((2, 2))}
    g = grad(loss)(point)
    assert list(g) == list(point)
    assert type(g["layers"]) is list
    assert type(g["layers"][0]) is Pair
    assert g["layers"][0].w.tolist() == [10.0, 18.0]
    assert g["layers"][0].b == 14.0
    assert (g["scale"], g["rest"]) == (4.0, ([3.0],))
    assert g["unused"].shape == (2, 2)
    assert not g["unused"].any()


def test_results_may_be_several_and_nested() -> None:
    def f(x: Any) -> Any:
        return {"square": x * x, "both": (x, [3.0 * x])}

    value, pull_back = vjp(f, 2.0)
    assert value == {"square": 4.0, "both": (2.0, [6.0])}
    assert pull_back({"square": 1.0, "both": (10.0, [100.0])}) == (314.0,)
    assert pull_back({"square": 1.0, "both": (0.0, [0.0])}) == (4.0,)
    assert jvp(f, (2.0,), (1.0,)) == (value, {"square": 4.0, "both": (1.0, [3.0])})
    assert jacobian(f)(2.0) == {"square": 4.0, "both": (1.0, [3.0])}
    one, back = vjp(lambda x: [x * x], 3.0)
    assert (one, back([1.0])) == ([9.0], (6.0,))


def test_constants_and_outer_nodes_have_derivative_zero() -> None:
    outer = Value(5.0)
    for f in (
        lambda x: 3,
        lambda x: 3.5,
        lambda x: np.float64(2.0),
        lambda x: True,
        lambda x: outer,
        lambda x: outer * 2.0,
    ):
        assert float(grad(f)(1.0)) == 0.0
        assert float(jvp(f, (1.0,), (1.0,))[1]) == 0.0
        assert float(vjp(f, 1.0)[1](1.0)[0]) == 0.0
    assert jacobian(lambda x: np.ones(2))(np.ones(3)).tolist() == [[0.0] * 3] * 2
    assert grad(lambda x: 1.0)(np.ones(2)).tolist() == [0.0, 0.0]
    assert value_and_grad(lambda x: 7)(1) == (7.0, 0.0)
    assert outer.grad == 0.0


def test_the_argument_itself_may_be_the_result() -> None:
    x = np.array([1.0, 2.0])
    value, pull_back = vjp(lambda x: x, x)
    value[0] = 9.0
    assert x[0] == 1.0
    assert pull_back(np.array([3.0, 4.0]))[0].tolist() == [3.0, 4.0]
    assert grad(lambda x: x)(2) == 1.0


def test_what_is_handed_out_belongs_to_the_caller() -> None:
    x = np.array([0.0, 1.0])
    value, pull_back = vjp(lambda x: ops.exp(x), x)
    expected = pull_back(np.ones(2))[0].copy()
    seed = np.ones(2)
    first = pull_back(seed)[0]
    first[:] = seed[:] = value[:] = x[:] = -1.0
    assert np.array_equal(pull_back(np.ones(2))[0], expected)
    a, b = grad(lambda a, b: (a + b).sum(), (0, 1))(np.ones(2), np.ones(2))
    a[0] = 5.0
    assert b.tolist() == [1.0, 1.0]


def test_float32_stays_float32() -> None:
    x, v = np.float32([0.5, 1.5]), np.float32([1.0, 2.0])

    def f(x: Any) -> Any:
        return (ops.tanh(x) * x).mean()

    value, pull_back = vjp(lambda x: x * x, x)
    for array in (
        grad(f)(x), value_and_grad(f)(x)[1], hvp(f)(x, v), hessian(f)(x), jacobian(lambda x: x * x)(x),
        jvp(lambda x: x * x, (x,), (v,))[1], value, pull_back(v)[0], grad(lambda x: 1.0)(x),
    ):  # fmt: skip
        assert array.dtype == np.float32
    near(hessian(f)(x), hessian(f)(x.astype(float)), 1e-5)


def test_every_shape_class_goes_through() -> None:
    for shape in ((), (1,), (0,), (3,), (2, 3), (0, 3), (2, 1, 3)):
        x = np.ones(shape) if shape else 1.0
        g = grad(lambda x: ops.sum(ops.sin(x) * 2.0))(x)
        assert np.shape(g) == shape
        near(g, 2.0 * np.cos(np.ones(shape)))
        assert np.shape(jacobian(lambda x: ops.sin(x))(x)) == shape + shape
        assert np.shape(jvp(ops.sin, (x,), (x,))[1]) == shape


# Nested ---------------------------------------------------------------------------------------------------------------


def test_four_orders_of_the_functions_with_known_ones() -> None:
    for x in (0.3, -1.2, 2.0):
        d: Callable[..., Any] = ops.sin
        for known in (math.sin, math.cos, lambda x: -math.sin(x), lambda x: -math.cos(x), math.sin):
            near(d(x), known(x), 1e-14)
            d = grad(d)
        d, value = ops.exp, math.exp(x)
        for _ in range(5):
            near(d(x), value, 1e-14)
            d = grad(d)
        d = lambda x: x**5
        for known in (x**5, 5 * x**4, 20 * x**3, 60 * x**2, 120 * x, 120.0, 0.0):
            near(d(x), known, 1e-13)
            d = grad(d)


def test_forward_and_reverse_mode_nest_in_any_order() -> None:
    def push(f: Any) -> Any:
        return lambda x: jvp(f, (x,), (1.0,))[1]

    def pull(f: Any) -> Any:
        return lambda x: vjp(f, x)[1](1.0)[0]

    for outer in (push, pull, grad, jacobian):
        for inner in (push, pull, grad, jacobian):
            for innermost in (push, pull, grad, jacobian):
                got = outer(inner(innermost(lambda x: ops.sin(x) * x)))(0.7)
                near(got, -3.0 * math.sin(0.7) - 0.7 * math.cos(0.7), 1e-14)


CONFUSING = {
    "x * d/dy(x*y)": (lambda x: x * grad(lambda y: x * y)(2.0), 3.0, 6.0),
    "Siskind and Pearlmutter: x * d/dy(x+y)": (lambda x: x * grad(lambda y: x + y)(1.0), 1.0, 1.0),
    "the inner point is the outer variable": (lambda x: x * grad(lambda y: x * y)(x), 3.0, 6.0),
    "the inner point is a function of it": (lambda x: grad(lambda y: y * y * x)(x * x), 2.0, 24.0),
    "three deep": (
        lambda x: grad(lambda y: grad(lambda z: x * y * z * z)(y) * y)(x),
        2.0,
        72.0,
    ),
    "the inner one ignores the outer": (lambda x: x * grad(lambda y: y**3)(2.0), 5.0, 12.0),
    "the outer one alone": (lambda x: grad(lambda y: x**3)(2.0), 5.0, 0.0),
}


@pytest.mark.parametrize(("f", "at", "slope"), CONFUSING.values(), ids=CONFUSING)
def test_nested_derivatives_do_not_confuse_their_variables(f: Any, at: float, slope: float) -> None:
    assert grad(f)(at) == slope
    assert jvp(f, (at,), (1.0,))[1] == slope
    forward = {"grad": lambda g: lambda y: jvp(g, (y,), (1.0,))[1]}
    rewritten = type(f)(f.__code__, {**f.__globals__, **forward}, f.__name__, f.__defaults__, f.__closure__)
    assert grad(rewritten)(at) == slope
    assert jvp(rewritten, (at,), (1.0,))[1] == slope


def test_derivatives_by_closed_over_values_reach_backward() -> None:
    w, b = Value(0.5, label="w"), Value(0.1, label="b")
    slope = grad(lambda x: ops.tanh(w * x + b))(2.0)
    assert isinstance(slope, Node)
    slope.backward()
    y = math.tanh(1.1)
    near(slope.data, 0.5 * (1.0 - y * y))
    near(b.grad, 0.5 * -2.0 * y * (1.0 - y * y))
    near(w.grad, (1.0 - y * y) + 0.5 * 2.0 * -2.0 * y * (1.0 - y * y))


def test_a_gradient_penalty_agrees_with_torch(torch: Any) -> None:
    rng = np.random.default_rng(0)
    W1, W2, X = rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=3)

    def penalty(lib: Any, derive: Any, W1: Any, W2: Any, x: Any) -> Any:
        g = derive(lambda x: (lib.tanh(W1 @ x) * W2).sum())(x)
        return (((g * g).sum()) ** 0.5 - 1.0) ** 2

    ours = [Tensor(W1), Tensor(W2), Tensor(X)]
    p = penalty(ops, grad, *ours)
    p.backward()
    theirs = [torch.tensor(a, requires_grad=True) for a in (W1, W2, X)]

    def derive(f: Any) -> Any:
        return lambda x: torch.autograd.grad(f(x), x, create_graph=True)[0]

    q = penalty(torch, derive, *theirs)
    q.backward()
    near(p.data, q.item())
    for mine, other in zip(ours, theirs):
        near(mine.grad, other.grad)
    near(grad(lambda W: penalty(ops, grad, W, W2, X))(W1), theirs[0].grad)


def test_a_function_may_sweep_inside_and_leave_nothing_outside() -> None:
    w = Value(3.0)

    def f(x: Any) -> Any:
        y = Value(2.0) * w
        y.backward()
        return x * w.grad

    assert grad(f)(5.0) == 2.0
    zero_grad(w)


def test_a_node_as_argument_gives_a_derivative_that_is_recorded() -> None:
    x = Value(3.0)
    slope = grad(lambda x: x**3)(x)
    assert isinstance(slope, Node)
    slope.backward()
    assert (slope.data, x.grad) == (27.0, 18.0)
    value, slope = value_and_grad(lambda v: (v * v).sum())(Tensor([1.0, 2.0]))
    assert (value.data, slope.data.tolist()) == (5.0, [2.0, 4.0])


def test_transforms_work_where_nothing_else_is_recorded() -> None:
    with no_grad():
        assert grad(lambda x: x**3)(2.0) == 12.0
        assert grad(grad(lambda x: x**3))(2.0) == 12.0
        assert hessian(lambda x: (x**3).sum())(np.ones(2)).tolist() == [[6.0, 0.0], [0.0, 6.0]]
        assert (Value(2.0) * 3.0).op is None


def test_detach_cuts_a_derivative_inside_a_transform() -> None:
    assert grad(lambda x: x * x.detach())(3.0) == 3.0
    assert grad(lambda x: x.data * 2.0)(3.0) == 0.0
    assert grad(grad(lambda x: x.detach() * x * x))(3.0) == 6.0


def test_an_error_inside_leaves_the_next_derivative_right() -> None:
    def fails(x: Any) -> Any:
        grad(lambda y: x * y)(1.0)
        raise KeyError("mine")

    with no_grad():
        with pytest.raises(KeyError, match="mine"):
            grad(fails)(1.0)
        assert (Value(2.0) * 3.0).op is None
    assert float(Value(2.0)) == 2.0
    assert grad(lambda x: x * x)(3.0) == 6.0


def test_branches_and_loops_differentiate_the_path_that_was_taken() -> None:
    def f(x: Any) -> Any:
        y = x
        while y < 100.0:
            y = y * x if y > 3.0 else y * 2.0
        return y

    assert grad(f)(2.0) == 12.0 * 2.0**5  # it is 2 x**6 there
    assert grad(f)(5.0) == 3.0 * 5.0**2
    near(grad(f)(2.0), jvp(f, (2.0,), (1.0,))[1])


def test_a_long_loop_inside_a_transform_is_linear() -> None:
    def f(x: Any) -> Any:
        for _ in range(50_000):
            x = x + 1e-5 * x
        return x

    near(grad(f)(1.0), (1.0 + 1e-5) ** 50_000, 1e-9)
    near(jvp(f, (1.0,), (1.0,))[1], (1.0 + 1e-5) ** 50_000, 1e-9)


def test_a_recorded_derivative_keeps_float32() -> None:
    x = Tensor(np.array([1.0, 2.0], np.float32))
    once = grad(lambda v: (v * v).mean())(x)
    twice = grad(lambda v: grad(lambda u: (u**3).mean())(v).sum())(x)
    assert once.dtype == twice.dtype == np.float32
    assert twice.data.tolist() == [3.0, 6.0]


def test_what_comes_beside_the_result_is_numbers_where_it_was_recorded_and_stays_itself_where_it_was_there() -> None:
    w = Value(2.0)
    (_, (there, made)), slope = value_and_grad(lambda x: (x * x, (w, x + 1.0)), has_aux=True)(3.0)
    assert there is w
    assert (made, slope) == (4.0, 6.0)


def test_a_node_that_is_given_back_twice_receives_both_cotangents() -> None:
    def twice(x: Any) -> Any:
        y = x * x
        return y, y

    assert vjp(twice, 3.0)[1]((1.0, 10.0)) == (66.0,)
