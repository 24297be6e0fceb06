"""numpy's functions on nodes, as people write them: numpy's own numbers, its derivatives by differences of them, and
every argument that numpy documents obeyed or refused by name.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from table_cases import direction, node, sample
from tables import each

import autograd_mini
from autograd_mini import AutogradError, DataError, Node, ShapeError, Tensor, Value, grad, linalg, ops
from autograd_mini.errors import MatrixError
from autograd_mini.programs.languages.run import run_source

pytestmark = pytest.mark.filterwarnings("error")

V, M, N, S, C = (3,), (2, 3), (3, 2), (3, 3), (2, 3, 4)
D = np.diag([2.0, 4.0, 7.0])
MASK = np.array([True, False, True])

PADS_BY_AXIS = "int, dict}" in np.pad.__doc__  # a later numpy takes {axis: width}
JOINED = {
    "np.concatenate([x, y], axis=None)": (M, V),
    "np.concatenate([x, y], 1)": (M, (2, 1)),
    "np.stack([x, y], axis=-1)": (V, V),
    "np.vstack([x, y])": (M, V),
    "np.hstack([x, y])": (V, ()),
    "np.hstack((x, y))": (M, (2, 1)),
    "np.dstack([x, y])": (M, M),
    "np.dstack([x, y]).sum()": (V, V),
    "np.column_stack([x, y])": (V, (3, 2)),
    "np.append(x, y)": (M, V),
    "np.append(x, y, axis=0)": (M, (1, 3)),
    "np.append(x, 5.0)": (V,),
}
CUT = {
    "np.split(x, 3)": (V,),
    "np.split(x, [1, 2], axis=1)": (M,),
    "np.array_split(x, 2)": (V,),
    "np.array_split(x, 5, axis=1)": (M,),
    "np.vsplit(x, 2)": (M,),
    "np.hsplit(x, 3)": (M,),
    "np.hsplit(x, [1])": (V,),
    "np.dsplit(x, [1, 3])": (C,),
}
SHAPED = {
    "np.reshape(x, (3, 2), order='F')": (M,),
    "np.reshape(x, -1, 'F')": (M,),
    "np.reshape(x, [3, 2])": (M,),
    "np.ravel(x, 'F')": (M,),
    "np.ravel(x, order='C')": (M,),
    "np.transpose(x, [1, 0])": (M,),
    "np.transpose(x, axes=(2, 0, 1))": (C,),
    "np.swapaxes(x, axis1=0, axis2=2)": (C,),
    "np.moveaxis(x, [0, 1], [-1, 0])": (C,),
    "np.squeeze(x, axis=1)": ((3, 1),),
    "np.expand_dims(x, (0, 2))": (V,),
    "np.atleast_1d(x)": ((),),
    "np.atleast_2d(x, y)": (V, M),
    "np.atleast_3d(x)": (V,),
    "np.atleast_3d(x) + np.atleast_3d(y)": (M, ()),
    "np.atleast_3d(x[None])": (M,),
    "np.broadcast_to(x, (2, 3))": (V,),
}
MOVED = {
    "np.roll(x, 1)": (M,),
    "np.roll(x, (1, -2), axis=(0, 1))": (M,),
    "np.repeat(x, 3)": ((),),
    "np.repeat(x, 2, axis=0)": (M,),
    "np.repeat(x, [2, 0, 1], axis=1)": (M,),
    "np.tile(x, 2)": (M,),
    "np.tile(x, (2, 1, 2))": (M,),
    "np.flip(x, 1)": (M,),
    "np.flipud(x)": (M,),
    "np.fliplr(x)": (M,),
    "np.rot90(x)": (M,),
    "np.rot90(x, -1, axes=(1, 2))": (C,),
    "np.take(x, [2, 0, 2])": (V,),
    "np.take(x, [[0, 1]], axis=1)": (M,),
    "np.take(x, [7], mode='wrap')": (V,),
    "np.delete(x, 1, axis=1)": (M,),
    "np.diag(x)": (V,),
    "np.diag(x, -2)": (V,),
    "np.diag(x, k=1)": (M,),
    "np.diagonal(x, 1, 2, 0)": (C,),
    "np.trace(x)": (M,),
    "np.trace(x, offset=-1, axis1=1, axis2=2)": (C,),
    "np.tril(x)": (M,),
    "np.triu(x, 1)": (C,),
    "np.tril(x, -1)": (V,),
    "np.pad(x, 1, 'constant')": (M,),
    **({"np.pad(x, {0: 1})": (M,), "np.pad(x, {-1: (0, 2)}, mode='constant')": (M,)} if PADS_BY_AXIS else {}),
    "np.pad(x, (1, 2), constant_values=3.0)": (M,),
    "np.pad(x, 1, constant_values=((1.0, 2.0), (3.0, 4.0)))": (M,),
    "np.pad(x, 2, mode='edge')": (M,),
    "np.pad(x, ((0, 0), (1, 2)), 'reflect')": (M,),
    "np.pad(x, 1, 'symmetric')": (M,),
    "np.pad(x, 2, mode='wrap')": (V,),
}
MULTIPLIED = {
    "np.dot(x, y)": (M, (3, 2)),
    "np.inner(x, y)": (M, V),
    "np.inner(x, y) * 2": ((), V),
    "np.vdot(x, y)": (M, (3, 2)),
    "np.outer(x, y)": (V, M),
    "np.kron(x, y)": (M, (2, 2)),
    "np.kron(x, y) + 1.0": (V, M),
    "np.tensordot(x, y, axes=1)": (C, (4, 2)),
    "np.tensordot(x, y, axes=0)": (V, M),
    "np.tensordot(x, y, axes=([0, 1], [1, 0]))": (C, (3, 2)),
    "np.tensordot(x, y, (-1, 0))": (M, V),
    "np.cross(x, y)": ((2, 3), V),
    "np.cross(x, y, axis=0)": ((3, 2), (3, 2)),
    "np.einsum('ij,j->i', x, y, optimize=True)": (M, V),
    "np.einsum(x, [0, 1], y, [1, 2], [0, 2])": (M, N),
    "np.einsum(x, [Ellipsis, 0], y, [0])": (M, V),
    "np.multiply.outer(x, y)": (V, M),
    "np.add.outer(x, 2.0)": (M,),
}
SUMMED = {
    "np.sum(x, 0, None)": (M,),
    "np.sum(x, axis=1, dtype=None, out=None, keepdims=True)": (M,),
    "np.sum(x, where=MASK, initial=2.0)": (M,),
    "np.mean(x, 0, None)": (M,),
    "np.mean(x, 1, where=MASK)": (M,),
    "np.prod(x, 0, None)": (M,),
    "np.prod(x, axis=1, where=MASK, initial=3.0)": (M,),
    "np.max(x, 0, None)": (M,),
    "np.max(x, initial=9.0)": (M,),
    "np.amax(x, axis=1, initial=-9.0, where=MASK)": (M,),
    "np.amin(x, 1, None, True)": (M,),
    "np.min(x, axis=0, initial=0.0)": (M,),
    "np.var(x, 0, None)": (M,),
    "np.var(x, correction=1)": (M,),
    "np.std(x, 1, None, None, 1)": (M,),
    "np.add.reduce(x, axis=0, where=MASK)": (M,),
    "np.add.reduce(x, 1, None, None, True)": (M,),
    "np.maximum.reduce(x, axis=0, initial=9.0)": (M,),
    "np.multiply.reduce(x, axis=(0, 1))": (M,),
    "np.logaddexp.reduce(x)": (M,),
    "np.hypot.reduce(x, axis=1)": (M,),
    "np.add.accumulate(x, axis=1)": (M,),
    "np.multiply.accumulate(x)": (M,),
    "np.cumsum(x, 1)": (M,),
    "np.cumsum(x)": (M,),
    "np.cumprod(x)": (M,),
    "np.cumprod(x, axis=-1)": (M,),
    "np.diff(x)": (M,),
    "np.diff(x, 2, axis=0)": (N,),
    "np.diff(x, prepend=0.0, append=y)": (M, (2, 2)),
    "np.diff(x, n=0)": (M,),
    "np.gradient(x)": (M,),
    "np.gradient(x, 2.0)": (V,),
    "np.gradient(x, axis=1, edge_order=2)": (C,),
    "np.gradient(x, [0.0, 1.0, 3.0], axis=1)": (M,),
    "np.gradient(x, 0.5, [0.0, 1.0, 3.0])": (M,),
    "np.gradient(x, np.array([0.0, 1.0, 3.0, 4.0]), edge_order=2)": ((4,),),
    "np.average(x)": (M,),
    "np.average(x, axis=1, weights=[1.0, 2.0, 5.0])": (M,),
    "np.average(x, weights=np.exp(y), axis=0)": (M, M),
    "np.average(x, 0, [1.0, 3.0], True)": (M,),
    "np.trapezoid(x, dx=0.5)": (M,),
    "np.trapezoid(x, [0.0, 1.0, 3.0], axis=1)": (M,),
    "np.nansum(x, axis=0)": (M,),
    "np.nanmean(x, 1)": (M,),
    "np.median(x)": (M,),
    "np.median(x, axis=1, keepdims=True)": (C,),
    "np.sort(x)": (M,),
    "np.sort(x, axis=0, kind='stable')": (M,),
    "np.sort(x, None)": (M,),
    "np.partition(x, 1)[1]": (V,),
    "np.partition(x, 1)[:, 1]": (M,),
}
EACH = {
    "np.exp2(x)": (M,),
    "np.sinc(x)": (M,),
    "np.deg2rad(x) + np.radians(x)": (M,),
    "np.rad2deg(x) - np.degrees(2.0 * x)": (M,),
    "np.logaddexp2(x, y)": (M, V),
    "np.ceil(3.0 * x) * x": (M,),
    "np.trunc(3.0 * x) * x": (M,),
    "np.rint(x * 0.1) * x": (M,),
    "np.fmax(x, y)": (M, V),
    "np.fmin(x, [0.1, 0.2, 0.3])": (M,),
    "np.nan_to_num(x) * x": (M,),
    "np.round(x, -1) * x": (M,),
    "np.around(x * 0.1, 0) * x": (M,),
    "np.clip(x, min=0.0)": (M,),
    "np.clip(x, -0.5, None)": (M,),
    "np.clip(x, a_min=None, a_max=0.5)": (M,),
    "np.select([x > 0.5, x > 0.0], [x * x, 3.0 * x], default=y)": (M, ()),
    "np.where(MASK, x, y)": (M, V),
    "np.linspace(x, y, 4)": ((), ()),
    "np.linspace(x, 1.0, num=3, endpoint=False, axis=1)": (V,),
    "np.linspace(0.0, x, 5, retstep=True)": ((),),
    "np.interp(x, [-2.0, -0.4, 1.0, 2.0], [1.0, 3.0, -1.0, 0.0])": (M,),
    "np.interp([-3.0, 0.1, 0.2], [-1.0, 0.0, 1.0], x, left=0.0, right=1.0)": (V,),
    "np.full_like(x, y)": (M, ()),
    "np.add(x, y, where=True, dtype=None, casting='same_kind')": (M, V),
}
LINALG = {  # of matrices whose eigenvalues and singular values are apart
    "np.linalg.inv(x + D)": (S,),
    "np.linalg.solve(x + D, y)": (S, V),
    "np.linalg.solve(x + D, y)[0, 1]": (S, (3, 2)),
    "np.linalg.det(x)": (S,),
    "np.linalg.det(x + D)": ((2, 3, 3),),
    "np.linalg.slogdet(x - D)": (S,),
    "np.linalg.cholesky(x @ x.T + D)": (S,),
    "np.linalg.cholesky(x @ x.T + D, upper=True)": (S,),
    "np.linalg.pinv(x)": (N,),
    "np.linalg.pinv(x[:, :2] @ x[:2])": (S,),
    "np.linalg.eigvalsh(x + x.T)": (S,),
    "np.linalg.eigh(x + x.T + D)[0]": (S,),
    "np.linalg.eigh(x + x.T + D)[1] ** 2": (S,),
    "np.linalg.eigh(x + x.T + D, UPLO='U').eigenvalues": (S,),
    "np.linalg.eigh(x + D, UPLO='U').eigenvalues": (S,),
    "np.linalg.eigh(x + D, 'L')[1] ** 2": (S,),
    "np.linalg.eigvalsh(x, UPLO='u')": (S,),
    "np.linalg.svd(x)[1]": (S,),
    "np.linalg.svd(x, compute_uv=False)": (M,),
    "np.linalg.svd(x, full_matrices=False)[0] ** 2": (N,),
    "np.linalg.svd(x, False).Vh ** 2": (M,),
    "np.linalg.svd(x + D).U ** 2": (S,),
    "np.linalg.svdvals(x)": (M,),
    "np.linalg.norm(x)": (M,),
    "np.linalg.norm(x, axis=1, keepdims=True)": (M,),
    "np.linalg.norm(x, 2)": (M,),
    "np.linalg.norm(x, 2, (0, 1))": (M,),
    "np.linalg.norm(x, -2, (0, 2))": (C,),
    "np.linalg.norm(x, 'nuc', keepdims=True)": (M,),
    "np.linalg.norm(x, 'fro')": (M,),
    "np.linalg.norm(x, 1)": (M,),
    "np.linalg.norm(x, -1)": (M,),
    "np.linalg.norm(x, np.inf)": (M,),
    "np.linalg.norm(x, -np.inf, axis=(2, 0))": (C,),
    "np.linalg.norm(x, 1, axis=0)": (M,),
    "np.linalg.norm(x, 3, axis=0, keepdims=True)": (M,),
    "np.linalg.norm(x, 0.5)": (V,),
    "np.linalg.norm(x, -2)": (V,),
    "np.linalg.norm(x, -np.inf, 1)": (M,),
    "np.linalg.norm(x, 0) + x": (V,),
    "np.linalg.matrix_power(x, 3)": (S,),
    "np.linalg.matrix_power(x + D, -2)": (S,),
    "np.linalg.multi_dot([x, y, x])": (M, N),
    "np.linalg.cond(x + D)": (S,),
    "np.linalg.cond(x + D, 1)": (S,),
}
CASES = LINALG | JOINED | CUT | SHAPED | MOVED | MULTIPLIED | SUMMED | EACH
each_case = each(CASES.items())


def called(text: str, x: Any, y: Any = None) -> list[Any]:
    """Return what an expression gives, as a list: a function may return several arrays."""
    found = eval(text, {"np": np, "x": x, "y": y, "MASK": MASK, "D": D})
    return list(found) if isinstance(found, (list, tuple)) else [found]


def arguments(shapes: tuple[Any, ...]) -> list[Any]:
    return [np.asarray(sample(shape, (-1.9, 1.9), i)) for i, shape in enumerate(shapes)]


def weighed(parts: list[Any]) -> Any:
    """Return one number of all results: a sum with fixed weights."""
    total: Any = 0.0
    for i, part in enumerate(parts):
        product = part * direction(np.shape(part) if not isinstance(part, Node) else part.shape, i)
        total = total + (product.sum() if isinstance(product, Node) else np.sum(product))
    return total


def along(text: str, args: list[Any], ways: list[Any], t: float) -> Any:
    return weighed(called(text, *(a + t * v for a, v in zip(args, ways))))


@each_case
def test_value_is_numpys(text: str, shapes: tuple[Any, ...]) -> None:
    args = arguments(shapes)
    ours, theirs = called(text, *map(node, args)), called(text, *args)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        assert np.shape(getattr(a, "data", a)) == np.shape(b)
        np.testing.assert_allclose(getattr(a, "data", a), b, rtol=1e-14, atol=1e-14)
    assert isinstance(ours[0], Node)


@each_case
def test_both_derivatives_are_those_of_numpys_function(text: str, shapes: tuple[Any, ...]) -> None:
    args = arguments(shapes)
    ways = [np.asarray(direction(a.shape, 7 + i)) for i, a in enumerate(args)]
    which = tuple(range(len(args)))
    slopes = grad(lambda *xs: weighed(called(text, *xs)), which)
    given = [a if a.ndim else float(a) for a in args]
    claimed = sum(np.sum(g * v) for g, v in zip(slopes(*given), ways))
    h = 1e-3
    first = sum(c * (along(text, args, ways, k * h) - along(text, args, ways, -k * h))
                for k, c in ((1, 45.0), (2, -9.0), (3, 1.0))) / (60.0 * h)  # fmt: skip
    np.testing.assert_allclose(claimed, first, rtol=1e-8, atol=1e-8)

    def slope(*xs: Any) -> Any:
        return weighed_by(slopes(*xs), ways)

    bend = sum(np.sum(g * v) for g, v in zip(grad(slope, which)(*given), ways))
    h = 1e-2
    weights = enumerate((2.0, -27.0, 270.0, -490.0, 270.0, -27.0, 2.0), -3)
    second = sum(c * along(text, args, ways, k * h) for k, c in weights) / (180.0 * h * h)
    np.testing.assert_allclose(bend, second, rtol=1e-6, atol=1e-6)


def weighed_by(parts: Any, ways: list[Any]) -> Any:
    total: Any = 0.0
    for part, way in zip(parts, ways):
        product = part * (way if way.ndim else float(way))
        total = total + (product.sum() if isinstance(product, Node) else np.sum(product))
    return total


@each_case
def test_programs_print_it_or_say_what_they_lack(text: str, shapes: tuple[Any, ...]) -> None:
    args = arguments(shapes)
    leaves = [node(a) for a in args]
    root = weighed(called(text, *leaves))
    root.backward()
    program = autograd_mini.compile(root, leaves)
    value, gradients = run_source(program.numpy)(*args, 1.0)
    np.testing.assert_allclose(value, root.data, rtol=1e-12, atol=1e-12)
    for g, x in zip(gradients, leaves):
        np.testing.assert_allclose(np.broadcast_to(g, x.shape), x.grad, rtol=1e-11, atol=1e-12)
    for language in ("torch", "jax", "javascript"):
        assert printed(program, language) or refusal(program, language)


def printed(program: Any, language: str) -> str:
    """Return a program's text in a language, none where the language lacks something."""
    try:
        return str(getattr(program, language))
    except DataError:
        return ""


def refusal(program: Any, language: str) -> bool:
    """Return whether a program that is not printed is refused with the name of what is lacking."""
    with pytest.raises(DataError, match=f"has no equivalent of|{language}"):
        getattr(program, language)
    return True


@each_case
def test_torch_runs_what_is_printed_for_it(text: str, shapes: tuple[Any, ...]) -> None:
    torch = pytest.importorskip("torch")
    args = arguments(shapes)
    leaves = [node(a) for a in args]
    root = weighed(called(text, *leaves))
    root.backward()
    try:
        function = run_source(autograd_mini.compile(root, leaves).torch)
    except DataError:
        return
    value, gradients = function(*args)
    np.testing.assert_allclose(value.detach(), root.data, rtol=1e-12, atol=1e-12)
    for g, x in zip(gradients, leaves):
        np.testing.assert_allclose(torch.broadcast_to(g, x.shape), x.grad, rtol=1e-10, atol=1e-12)


REFUSED = {  # what numpy takes and has no meaning on nodes, each refused by its name
    "np.linalg.svd(x)": "full_matrices=False",
    "np.linalg.svd(x, hermitian=True)": "hermitian",
    "np.linalg.pinv(x, hermitian=True)": "hermitian",
    "np.linalg.eig(x @ x.T)": "eigh",
    "np.linalg.eigvals(x @ x.T)": "eigvalsh",
    "np.linalg.lstsq(x, x)": "pinv",
    "np.linalg.norm(x, 'fro', 0)": "'fro' is an order for matrices",
    "np.linalg.norm(x, 7)": "ord=7",
    "np.linalg.eigh(x @ x.T, UPLO='X')": "UPLO",
    "np.linalg.eigh(x[:, :2])": r"not symmetric at \(\d, \d\)",
    "np.linalg.eigvalsh(x[:, :2])": r"not symmetric .* UPLO=\"L\" its lower triangle",
    "np.linalg.cholesky(x[:, :2], upper=True)": "not symmetric",
    "np.sum(x, dtype=np.float32)": "dtype",
    "np.sum(x, out=np.zeros(3))": "out",
    "np.mean(x, dtype=np.float32)": "dtype",
    "np.var(x, where=MASK)": "where",
    "np.var(x, mean=0.0)": "mean",
    "np.std(x, 0, np.float32)": "dtype",
    "np.cumsum(x, dtype=np.float32)": "dtype",
    "np.concatenate([x, x], dtype=np.float32)": "dtype",
    "np.stack([x, x], casting='no')": "casting",
    "np.trace(x, dtype=np.float32)": "dtype",
    "np.dot(x, x.T, out=np.zeros((2, 2)))": "out",
    "np.pad(x, 1, mode='linear_ramp')": "linear_ramp",
    "np.pad(x, 1, mode='reflect', reflect_type='odd')": "reflect_type",
    "np.reshape(x, -1, copy=True)": "copy",
    "np.reshape(x, -1, order='Z')": "order",
    "np.einsum('ij->j', x, dtype=np.float32)": "dtype",
    "np.sort(x, order='name')": "order",
    "np.nan_to_num(x, copy=False)": "copy",
    "np.interp(x, [0.0, 1.0], [0.0, 1.0], period=1.0)": "period",
    "np.median(x, overwrite_input=True)": "overwrite_input",
    "np.linspace(x, 1.0, 3, dtype=np.float32)": "dtype",
    "np.exp(x, where=MASK)": "where",
    "np.add(x, 1.0, out=np.zeros((2, 3)))": "out",
    "np.add(x, 1.0, dtype=np.float32)": "dtype",
    "np.logaddexp.reduce(x, initial=0.0)": "initial",
    "np.add.reduce(x, dtype=np.float32)": "dtype",
    "np.broadcast_to(x, (2, 3), subok=True)": "subok",
    "np.maximum.accumulate(x)": "np.maximum.accumulate",
    "np.add.reduceat(x, [0, 1])": "np.add.reduceat",
    "np.add.at(x, [0], 1.0)": "np.add.at",
    "np.round(x, out=np.zeros((2, 3)))": "out",
    "np.reshape(x, -1, order='K')": "order",
    "x.sum(0, np.float32)": "dtype",
    "x.max(0, np.zeros(3))": "out",
    "x.std(where=MASK)": "where",
    "x.cumsum(0, float)": "dtype",
    "x.argmax(out=np.zeros(2))": "out",
    "x.clip(0.0, 1.0, min=0.5)": "given twice",
}


@pytest.mark.parametrize(("text", "name"), REFUSED.items(), ids=REFUSED)
def test_an_argument_that_is_not_obeyed_is_refused_by_name(text: str, name: str) -> None:
    with pytest.raises(DataError, match=name):
        called(text, Tensor(sample(M)))


WRONG = {
    "np.linalg.inv(x)": "square",
    "np.linalg.norm(x[None], 2)": "two, matrices",
    "np.roll(x, 1, axis=5)": "axis 5",
    "np.repeat(x, [1, 2])": "repeat: shape",
    "np.split(x, 4, axis=1)": "does not divide",
    "np.array_split(x, 0)": "at least one",
    "np.vsplit(x[0], 1)": "hsplit",
    "np.tensordot(x, x, axes=1)": "differ in length",
    "np.cross(x[:, :2], x[:, :2])": "three entries",
    "np.average(x, weights=[1.0, 2.0])": "weights of shape",
    "np.gradient(x, 1.0, 2.0, 3.0)": "3 spacings for 2 axes",
    "np.gradient(x[:, :1])": "needs as many entries",
    "np.diff(x, n=-1)": "at least 0",
    "np.max(x, where=MASK)": "initial=",
    "np.take(x, [9])": "take: shape",
    "np.tril(x[0, 0])": "no diagonal",
    "np.select([x > 0.0], [x, x])": "1 conditions for 2 choices",
    "np.rot90(x[0])": "rot90: shape",
    "np.pad(x[0, 0], 1)": "no axis to pad",
    "np.cumprod(x, 4)": "axis 4",
    "np.cumprod(x, (0, 1))": "one axis",
    "np.diff(x, axis=(0,))": "one axis",
    "np.diag(x[None])": "diagonal",
    "np.linalg.matrix_norm(x[0], ord=np.inf)": "vector_norm",
    "np.any(x, axis=7)": "np.any on a node: axis 7",
    "np.mean(x, where=np.ones(2, bool))": "np.mean on a node",
    "x.argmax(7)": "argmax: shape",
}


@pytest.mark.parametrize(("text", "words"), WRONG.items(), ids=WRONG)
def test_shapes_that_do_not_fit_are_named(text: str, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        called(text, Tensor(sample(M)))


EMPTY = {
    "np.split(x, 2)": (0,), "np.array_split(x, 3)": (0,), "np.roll(x, 2)": (0,), "np.repeat(x, 2)": (0,),
    "np.tile(x, 2)": (0, 3), "np.vstack([x, x])": (0,), "np.diag(x)": (0,), "np.sort(x)": (0,), "np.cumprod(x)": (0,),
    "np.kron(x, x)": (0, 2), "np.trace(x)": (0, 0), "np.tril(x)": (0, 3), "np.nansum(x)": (0,), "np.sinc(x)": (0,),
    "np.max(x, initial=2.0)": (0,), "np.tensordot(x, x, 1)": (0,), "np.inner(x, x)": (0,), "np.flipud(x)": (0, 2),
    "np.sum(x, axis=())": (0,), "np.interp(x, [0.0, 1.0], [0.0, 1.0])": (0,), "np.exp2(x)": (0,), "np.diff(x)": (1,),
}  # fmt: skip


@pytest.mark.parametrize(("text", "shape"), EMPTY.items(), ids=EMPTY)
def test_nothing_is_what_it_is_in_numpy(text: str, shape: tuple[int, ...]) -> None:
    x = Tensor(np.ones(shape))
    ours, theirs = called(text, x), called(text, np.ones(shape))
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == np.shape(b)
        np.testing.assert_array_equal(a.data, b)
    weighed(ours).backward()
    assert np.shape(x.grad) == shape
    assert np.all(np.isfinite(x.grad))


PLAIN = ["np.shape(x)", "np.ndim(x)", "np.size(x)", "np.size(x, 0)", "np.argmax(x, 1)", "np.argsort(x)", "np.any(x)"]
PLAIN += ["np.zeros_like(x)", "np.isclose(x, x)", "np.array_equal(x, x)", "np.count_nonzero(x)", "np.nonzero(x)"]


def test_numbers_that_are_no_part_of_the_record_are_plain() -> None:
    x = Tensor(sample(M))
    for text in PLAIN:
        ours, theirs = called(text, x), called(text, x.data)
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
        assert not any(isinstance(part, Node) for part in ours)


def test_a_cumulative_product_is_exact_at_zeros() -> None:
    x = Tensor([2.0, 0.0, 3.0, 4.0])
    np.cumprod(x)[3].backward()
    assert x.grad.tolist() == [0.0, 24.0, 0.0, 0.0]


@pytest.mark.parametrize("n", range(1, 6))
def test_sinc_has_every_derivative_at_every_point(n: int) -> None:
    """Against its integral form: the n-th is int_0^1 (pi t)^n cos(pi x t + n pi / 2) dt, by Gauss' quadrature."""
    places, weights = np.polynomial.legendre.leggauss(60)
    t = 0.5 * (places + 1.0)
    f: Any = ops.sinc
    for _ in range(n):
        f = grad(f)
    for x in (0.0, 1e-300, 1e-4, 0.5, 1.0, 1.3, 1.6, 2.0, 2.5, 3.0, 5.0, -1.5):
        exact = 0.5 * np.sum(weights * (math.pi * t) ** n * np.cos(math.pi * x * t + n * math.pi / 2.0))
        assert f(x) == pytest.approx(exact, rel=1e-11, abs=1e-11 * math.pi**n)


def test_scipys_functions_of_numbers_are_the_rows_of_their_names() -> None:
    special = pytest.importorskip("scipy.special")
    for name in ("expit", "erf", "erfc", "log1p", "expm1", "cbrt", "exp2", "log_expit"):
        x = Value(0.3)
        y = getattr(special, name)(x)
        y.backward()
        slope = (getattr(special, name)(0.3 + 1e-6) - getattr(special, name)(0.3 - 1e-6)) / 2e-6
        assert isinstance(y, Node)
        assert y.data == pytest.approx(getattr(special, name)(0.3), rel=1e-14)
        assert x.grad == pytest.approx(slope, rel=1e-8)
    with pytest.raises(AutogradError, match=r"scipy\.special\.jv is not recorded"):
        special.jv(1.0, Value(0.3))


def singular() -> Tensor:
    return Tensor([[1.0, 2.0], [2.0, 4.0]])


def test_a_singular_matrix_has_a_determinant_and_no_inverse() -> None:
    x = singular()
    np.linalg.det(x).backward()
    np.testing.assert_allclose(x.grad, [[4.0, -2.0], [-2.0, 1.0]], atol=1e-14)
    for act in (np.linalg.inv, lambda x: np.linalg.solve(x, [1.0, 2.0]), lambda x: np.linalg.matrix_power(x, -1)):
        with pytest.raises(np.linalg.LinAlgError, match="the matrix is singular"):
            act(singular())
    sign, log = np.linalg.slogdet(singular())
    assert (sign.data, log.data) == (0.0, -math.inf)
    with pytest.raises(MatrixError, match="not positive definite"):
        np.linalg.cholesky(Tensor([[1.0, 2.0], [2.0, 1.0]]))
    with pytest.raises(MatrixError, match="inf or nan"):
        np.linalg.svd(Tensor([[math.nan, 1.0], [1.0, 1.0]]))


def test_equal_eigenvalues_have_a_gradient_and_their_vectors_none() -> None:
    x = Tensor(np.eye(3))
    np.linalg.eigvalsh(x).sum().backward()
    np.testing.assert_allclose(x.grad, np.eye(3), atol=1e-15)
    w = np.linalg.eigh(x).eigenvalues
    (w * w).sum().backward()
    np.testing.assert_allclose(x.grad, 3.0 * np.eye(3), atol=1e-14)
    x = Tensor(np.eye(3))
    np.linalg.eigh(x)[1].sum().backward()
    assert not np.all(np.isfinite(x.grad))
    s = Tensor(np.eye(2))
    np.linalg.svd(s).S.sum().backward()
    np.testing.assert_allclose(s.grad, np.eye(2), atol=1e-15)


def test_a_large_determinant_keeps_its_sign_and_its_logarithm() -> None:
    for scale in (1e-200, 1e200):
        sign, log = np.linalg.slogdet(Tensor(scale * np.diag([-1.0, 2.0, 3.0])))
        assert sign.data == -1.0
        assert log.data == pytest.approx(3.0 * math.log(scale) + math.log(6.0))


@pytest.mark.parametrize("ord", [1.5, 2, 3, 10])
def test_a_norm_at_zero_has_gradient_zero(ord: float) -> None:
    x = Tensor([0.0, 0.0])
    np.linalg.norm(x, ord).backward()
    assert x.grad.tolist() == [0.0, 0.0]


# Methods, lists and data frames -------------------------------------------------------------------------------------

METHODS = [
    "x.reshape(3, 2, order='F')", "x.reshape((3, 2), order='C')", "x.ravel('F')", "x.flatten('F')", "x.round(1)",
    "x.clip(min=0.0)", "x.clip(max=0.5)", "x.clip(-0.5, 0.5)", "x.transpose([1, 0])", "x.transpose(1, 0)",
    "x.swapaxes(0, 1)", "x.repeat(2, axis=1)", "x.take([1, 0], axis=1)", "x.diagonal(1)", "x.trace()",
    "x.cumprod(1)", "x.astype(np.float64)", "x.astype('float32')",
    *(f"x.{name}(0, None, None, True)" for name in ("sum", "mean", "prod")),
    *(f"x.{name}(0, None, None, 1, True)" for name in ("var", "std")),
    *(f"x.{name}(0, None, True, initial=1.0, where=MASK)" for name in ("max", "min")),
    "x.sum(0, None)", "x.sum(initial=2.0)", "x.prod(where=MASK)", "x.mean(where=MASK)", "x.max(initial=0.5)",
    "x.cumsum(0, None, None)", "x.cumprod(0, None)", "x.trace(1, 0, 1, None, None)", "x.round(1, None)",
    "x.clip(-0.5, 0.5, None)", "x.clip(max=0.5, out=None)", "x.take([1, 5], 1, None, 'wrap')", "x.dot(x.T, None)",
]  # fmt: skip


@pytest.mark.parametrize("text", METHODS)
def test_a_method_is_that_of_numpys_arrays(text: str) -> None:
    data = sample(M)
    x = Tensor(data)
    (ours,), (theirs,) = called(text, x), called(text, data)
    np.testing.assert_allclose(ours.data, theirs, rtol=1e-15)
    assert ours.dtype == theirs.dtype
    ours.sum().backward()
    assert np.all(np.isfinite(x.grad))


def test_what_changes_an_array_in_place_is_refused_with_the_remedy() -> None:
    with pytest.raises(AttributeError, match=r"ops\.sort\(x\)"):
        Tensor([2.0, 1.0]).sort()  # type: ignore[attr-defined]
    with pytest.raises(DataError, match="float64 or float32"):
        Tensor([2.0, 1.0]).astype(int)


def test_a_list_of_nodes_is_answered_with_the_call_to_write() -> None:
    a, b = Value(1.0), Value(2.0)
    x, both = Tensor([1.0, 2.0]), [a, b]
    cases = [
        (lambda: np.array([a, b]), "ops.stack([a, b])"),
        (lambda: np.asarray(both), "ops.stack(both)"),
        (lambda: np.sum([a, b]), "ops.sum([a, b])"),
        (lambda: np.mean(both, axis=0), "ops.mean(both, axis=0)"),
        (lambda: np.r_[x, 1.0], "ops.hstack([x, 1.0])"),
        (lambda: np.c_[x, x], "ops.column_stack([x, x])"),
        (lambda: np.array(x), "x itself"),
    ]
    for act, words in cases:
        with pytest.raises(DataError, match="its record would be lost") as caught:
            act()
        if hasattr(act.__code__, "co_positions"):
            assert words in str(caught.value)
    assert ops.sum(both).data == 3.0
    assert ops.hstack([x, 1.0]).data.tolist() == [1.0, 2.0, 1.0]


def test_a_data_frame_beside_a_node_gives_a_node() -> None:
    pandas = pytest.importorskip("pandas")
    data = np.arange(6.0).reshape(2, 3)
    x, table = Tensor(data), pandas.DataFrame(data + 1.0, columns=["a", "b", "c"])
    column = pandas.Series([1.0, 2.0, 3.0])
    for text in ("c * x", "x * c", "t + x", "x - t", "t / x[1, 1]", "x @ c", "np.multiply(c, x)", "x ** t"):
        ours = eval(text, {"np": np, "x": x, "c": column, "t": table})
        theirs = eval(text, {"np": np, "x": data, "c": column.to_numpy(), "t": table.to_numpy()})
        assert isinstance(ours, Node), text
        np.testing.assert_allclose(ours.data, theirs, rtol=1e-15)
    (column * x).sum().backward()
    assert x.grad.tolist() == [[1.0, 2.0, 3.0]] * 2


def test_step_of_one_number_is_a_number_in_numpys_source() -> None:
    x = Value(2.0, label="x")
    value, gradients = run_source(autograd_mini.compile(x.step() * x, [x]).numpy)(2.0)
    assert (value, *gradients) == (2.0, 1.0)


def test_methods_take_numpys_keywords_where_they_ask_for_nothing() -> None:
    x = Tensor(np.arange(6.0).reshape(2, 3))
    for name in ("sum", "mean", "prod", "cumsum", "std", "var"):
        expected = getattr(x.data, name)(axis=0, dtype=None, out=None)
        assert np.allclose(getattr(x, name)(axis=0, dtype=None, out=None).data, expected)
    for name in ("argmax", "argmin"):
        for place in (getattr(x, name)(1, None), getattr(x, name)(axis=1, out=None)):
            assert place.tolist() == getattr(x.data, name)(1).tolist()
    assert x.sum(0, True).shape == (1, 3)  # ours, and torch's
    assert np.allclose(x.var(0, 1).data, np.var(x.data, 0, ddof=1))


def test_a_mean_beyond_the_largest_number_leaves_the_other_rows_alone() -> None:
    x = Tensor([[1e308, 1e308], [1.0, 4.0]])
    assert ops.mean(x, 1).data.tolist() == [1e308, 2.5]


@pytest.mark.parametrize("given", [{}, {"nan": 1.0}, {"posinf": 2.0}, {"neginf": 3.0}])
def test_numbers_in_place_of_nan_and_the_infinities_are_numpys(given: dict[str, float]) -> None:
    for dtype in (np.float64, np.float32):
        data = np.array([np.nan, np.inf, -np.inf, 0.5], dtype)
        np.testing.assert_array_equal(np.nan_to_num(Tensor(data), **given).data, np.nan_to_num(data, **given))


def test_a_partition_is_all_in_order_and_takes_the_places_that_numpys_takes() -> None:
    data = np.array([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]])
    for kth, axis in ((2, -1), (2, 1), (1, 0), (5, None)):
        np.testing.assert_array_equal(np.partition(Tensor(data), kth, axis=axis).data, np.sort(data, axis))
    for kth, axis in ((3, 1), (2, 0), (6, None)):
        with pytest.raises(ValueError, match="out of bounds"):
            np.partition(Tensor(data), kth, axis=axis)


def test_vectors_that_have_no_cross_product_are_refused_by_their_entries() -> None:
    with pytest.raises(ShapeError, match="vectors have three entries, got 4 and 3"):
        np.cross(Tensor(np.ones((5, 4))), np.ones((5, 3)))


def test_windows_stand_one_apart_where_nothing_else_is_said() -> None:
    assert ops.windows(Tensor([1.0, 2.0, 3.0]), (2,)).data.tolist() == [[1.0, 2.0], [2.0, 3.0]]


def test_a_decomposition_names_the_shapes_that_it_cannot_take() -> None:
    with pytest.raises(ShapeError, match=r"solve: shape \(2, 3\) and \(2, 1\): the last two axes"):
        linalg.solve(Tensor(np.ones((2, 3))), np.ones(2))
