"""Optimizers: each is a formula on one parameter's numbers, written once for Python floats and for arrays.

An `Optimizer` is a pair of functions over the parameters: `init(params)` gives the state (what the formula remembers of
each parameter), `update(state)` reads the gradients and moves the parameters in place.

    optimizer = nn.adam(learning_rate=1e-3)
    state = optimizer.init(model)
    for x, y in batches:
        model.zero_grad()
        loss(model(x), y).backward()
        optimizer.update(state)

In a formula p is the parameter, g its gradient, lr the learning rate, t the number of the update from 1 on. Augmented
assignment does both carriers: an array changes in place, a float is replaced; so the new p is returned with the rest.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from autograd_mini import DataError, Node, NonFiniteError, Tensor, Value
from autograd_mini.data import Array, ignoring_fp_warnings
from autograd_mini.node import assign, filled
from autograd_mini.sweep import zero_grad

from .errors import SettingError, extra, function, real, whole
from .losses import one_node
from .module import Module, checked_model, named

Params = Module | Iterable[Node]
State = list[list[Any]]  # for each parameter: [the node, updates so far, what the formula remembers...]


class Optimizer(NamedTuple):
    """A formula `(p, g, lr, t, *memory) -> (p, *memory)`, its learning rate, and how much like p it remembers.

    The formula acts entry by entry: `nn.Step` gives it the entries of all parameters, some thousands at a time.
    """

    formula: Callable[..., tuple[Any, ...]]
    learning_rate: float
    memory: int

    def __repr__(self) -> str:
        name = getattr(self.formula, "__qualname__", type(self.formula).__name__)
        return f"<optimizer {name.partition('.')[0]}: learning_rate={self.learning_rate}>"

    def init(self, params: Params) -> State:
        """Return the state for the parameters of a module, or for a list of leaf nodes: each once, memory 0.

        SettingError where there are none, DataError where something is not a leaf node.
        """
        return [[p, 0, *(filled(p, 0.0) for _ in range(self.memory))] for p in named(params).values()]

    def update(self, state: State, learning_rate: float | None = None) -> None:
        """Move every parameter that has a gradient, in place; those that no sweep has reached stay as they are.

        A NaN in a gradient goes into the parameter, as everywhere in this field: `check_gradients` refuses it before.
        """
        lr = self.learning_rate if learning_rate is None else real("learning_rate", learning_rate, "[0, inf)")
        try:
            ignoring_fp_warnings(self._move, state, lr)
        except (TypeError, ValueError):
            if any(len(entry) != self.memory + 2 for entry in checked_state(state)):
                raise SettingError("state is that of another optimizer: make it with optimizer.init(model)") from None
            raise

    def _move(self, state: State, lr: float) -> None:
        for entry in state:
            p, t, *memory = entry
            g = getattr(p, "_grad", None)
            if g is not None:
                own_memory(p)
                moved, *entry[2:] = self.formula(p._data, g, lr, t + 1, *memory)
                entry[1] = t + 1
                assign(p, moved if isinstance(moved, np.ndarray) else float(moved))


_lonely = Tensor([0.0])
ALONE = sys.getrefcount(_lonely._data)  # of an array that its node alone holds


def own_memory(p: Node) -> None:
    """Let a parameter have an array that nobody else sees, for a formula changes it in place.

    Views hold the array that they look at. Whoever has one, from `p.data`, from a transpose, keeps what it was.
    """
    if not isinstance(p, Value) and (p._data.base is not None or sys.getrefcount(p._data) > ALONE):
        p._data = p._data.copy()


def sgd(learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False) -> Optimizer:
    """Gradient descent, p <- p - lr v, with the velocity v <- momentum v + g; Nesterov's looks ahead: g + momentum v.

    Equal to torch's SGD (Sutskever et al., "On the importance of initialization and momentum", 2013, with lr taken out
    of the velocity). learning_rate in (0, inf), momentum in [0, 1).

    >>> from autograd_mini import Value
    >>> p = Value(1.0); optimizer = sgd(learning_rate=0.1); state = optimizer.init([p])
    >>> (p * p).backward(); optimizer.update(state); p.data
    0.8
    """
    m = real("momentum", momentum, "[0, 1)")

    def plain(p: Any, g: Any, lr: float, t: int) -> tuple[Any, ...]:
        p -= lr * g
        return (p,)

    def heavy_ball(p: Any, g: Any, lr: float, t: int, v: Any) -> tuple[Any, ...]:
        v *= m
        v += g
        p -= lr * (g + m * v if nesterov else v)
        return p, v

    return Optimizer(heavy_ball if m else plain, _rate(learning_rate), 1 if m else 0)


def adam(learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8) -> Optimizer:
    """m <- beta_1 m + (1 - beta_1) g, v <- beta_2 v + (1 - beta_2) g^2, p <- p - lr m' / (sqrt(v') + epsilon).

    m' = m / (1 - beta_1^t) and v' = v / (1 - beta_2^t) undo the start from 0 (Kingma & Ba, "Adam", 2015, algorithm 1).
    Equal to torch's Adam; scikit-learn adds epsilon to sqrt(v) instead. Betas in [0, 1), epsilon in (0, inf).
    """
    b1, b2 = real("beta_1", beta_1, "[0, 1)"), real("beta_2", beta_2, "[0, 1)")
    eps = real("epsilon", epsilon, "(0, inf)")

    def formula(p: Any, g: Any, lr: float, t: int, m: Any, v: Any) -> tuple[Any, ...]:
        m *= b1
        m += (1.0 - b1) * g
        v *= b2
        v += (1.0 - b2) * g * g
        c = math.sqrt(1.0 - b2**t)  # sqrt(v') = sqrt(v) / c, and c is taken to the front
        p -= (lr * c / (1.0 - b1**t)) * m / (v**0.5 + eps * c)
        return p, m, v

    return Optimizer(formula, _rate(learning_rate), 2)


def adamw(
    learning_rate: float = 0.001,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-8,
    weight_decay: float = 0.01,
) -> Optimizer:
    """Adam after p <- p - lr weight_decay p: the decay does not pass through the moments.

    Equal to torch's AdamW (Loshchilov & Hutter, "Decoupled weight decay regularization", 2019, algorithm 2).
    """
    decay = real("weight_decay", weight_decay, "[0, inf)")
    inner = adam(learning_rate, beta_1, beta_2, epsilon)

    def formula(p: Any, g: Any, lr: float, t: int, m: Any, v: Any) -> tuple[Any, ...]:
        p *= 1.0 - lr * decay
        return inner.formula(p, g, lr, t, m, v)

    return inner._replace(formula=formula)


def rmsprop(learning_rate: float = 0.01, rho: float = 0.99, epsilon: float = 1e-8) -> Optimizer:
    """v <- rho v + (1 - rho) g^2, p <- p - lr g / (sqrt(v) + epsilon). Equal to torch's RMSprop.

    Tieleman & Hinton, "Neural networks for machine learning", lecture 6.5, 2012. rho in [0, 1), epsilon in (0, inf).
    """
    rho, eps = real("rho", rho, "[0, 1)"), real("epsilon", epsilon, "(0, inf)")

    def formula(p: Any, g: Any, lr: float, t: int, v: Any) -> tuple[Any, ...]:
        v *= rho
        v += (1.0 - rho) * g * g
        p -= lr * g / (v**0.5 + eps)
        return p, v

    return Optimizer(formula, _rate(learning_rate), 1)


def adagrad(learning_rate: float = 0.01, epsilon: float = 1e-10) -> Optimizer:
    """v <- v + g^2, p <- p - lr g / (sqrt(v) + epsilon). Equal to torch's Adagrad.

    Duchi, Hazan & Singer, "Adaptive subgradient methods", 2011, with the diagonal matrix. epsilon in (0, inf).
    """
    eps = real("epsilon", epsilon, "(0, inf)")

    def formula(p: Any, g: Any, lr: float, t: int, v: Any) -> tuple[Any, ...]:
        v += g * g
        p -= lr * g / (v**0.5 + eps)
        return p, v

    return Optimizer(formula, _rate(learning_rate), 1)


def lbfgs(
    loss: Callable[[], Any], params: Params, *, max_iter: int = 200, tol: float = 1e-8, max_fun: int = 15000
) -> Any:
    """Minimize `loss()`, computed from all the data, with SciPy's L-BFGS-B; return SciPy's result (fun, nit, ...).

    It stops when no entry of the gradient exceeds `tol`, when the loss falls no further, or after `max_iter` iterations
    or `max_fun` evaluations. If anything is raised on the way, Ctrl-C included, the parameters keep the numbers of the
    last complete iteration; so they do where the loss ends as NaN or infinite, a NonFiniteError. Needs SciPy
    (ExtraError). Nocedal & Wright, "Numerical optimization", algorithm 7.5.

    >>> from autograd_mini import Value
    >>> p = Value(5.0); result = lbfgs(lambda: (p - 2.0) ** 2, [p]); round(p.data, 6)
    2.0
    """
    minimize = extra("scipy.optimize", "SciPy", "scipy").minimize
    function("loss", loss, "a function without arguments that computes the loss anew, such as lambda: f(p)")
    nodes = list(named(params).values())
    limits = {
        "maxiter": whole("max_iter", max_iter),
        "maxfun": whole("max_fun", max_fun),
        "gtol": real("tol", tol, "[0, inf)"),
        "ftol": 64.0 * np.finfo(float).eps,  # SciPy's own would stop it while five digits of the parameters are open
    }
    objective, kept = partial(_loss_and_gradient, loss, nodes), pack(nodes)

    def keep(intermediate_result: Any) -> None:
        nonlocal kept
        if math.isfinite(intermediate_result.fun):
            kept = intermediate_result.x.copy()

    try:
        result = minimize(objective, kept, jac=True, method="L-BFGS-B", callback=keep, options=limits)
        if not math.isfinite(result.fun):
            raise NonFiniteError(f"the loss became {result.fun}: start elsewhere, or look with detect_nonfinite()")
        kept = result.x
        return result
    finally:
        unpack(kept, nodes)


def _loss_and_gradient(loss: Callable[[], Any], nodes: list[Node], theta: Array) -> tuple[float, Array]:
    """Return the loss with the numbers of `theta` in the nodes, and its gradient as one vector."""
    unpack(theta, nodes)
    zero_grad(*nodes)
    root = one_node(loss())
    root.backward()
    return root.item(), _join([p.grad for p in nodes])


def pack(params: Params) -> Array:
    """Return the numbers of all parameters one after another, as one float64 vector.

    >>> from autograd_mini import Tensor, Value
    >>> pack([Tensor([[1.0, 2.0]]), Value(3.0)])
    array([1., 2., 3.])
    """
    return _join([p._data for p in named(params).values()])


def unpack(theta: Array, params: Params) -> None:
    """Give the parameters the numbers of a vector that `pack` could have returned."""
    nodes = list(named(params).values())
    for p, part in zip(nodes, cut(theta, [p.shape for p in nodes])):
        assign(p, part.astype(p.dtype) if p.ndim else float(part))


def cut(flat: Array, shapes: Iterable[tuple[int, ...]]) -> list[Array]:
    """Return views of one vector, one after another, in the shapes.

    >>> cut(np.arange(5.0), [(2, 2), ()])
    [array([[0., 1.],
           [2., 3.]]), array(4.)]
    """
    shapes = list(shapes)
    ends = np.cumsum([0, *map(math.prod, shapes)])
    return [flat[i:j].reshape(shape) for i, j, shape in zip(ends, ends[1:], shapes)]


def clip_by_value(params: Params, limit: float) -> None:
    """Cut every entry of the gradients to [-limit, limit]; NonFiniteError names a parameter whose gradient is NaN."""
    limit = real("limit", limit, "(0, inf]")
    for p in _reached(params, np.isnan):
        p.grad = np.clip(p.grad, -limit, limit) if p.ndim else min(max(p.grad, -limit), limit)


def clip_by_norm(params: Params, limit: float) -> float:
    """Shrink all gradients together so that their common Euclidean norm is at most `limit`; return what it was.

    g <- g limit / norm where norm > limit (Pascanu, Mikolov & Bengio, "On the difficulty of training recurrent neural
    networks", 2013, algorithm 1). NonFiniteError names a parameter whose gradient is NaN or infinite.

    >>> from autograd_mini import Value
    >>> p = Value(3.0); (p * p * 0.5).backward(); clip_by_norm([p], 1.5), p.grad
    (3.0, 1.5)
    """
    limit = real("limit", limit, "(0, inf]")
    reached = _reached(params, lambda g: ~np.isfinite(g))
    largest = max((float(np.max(np.abs(p.grad), initial=0.0)) for p in reached), default=0.0)
    if not largest:
        return 0.0
    relative = math.hypot(*(float(np.linalg.norm(np.asarray(p.grad, float) / largest)) for p in reached))
    if largest * relative > limit:  # squares of gradients overflow long before their norm does, which may too
        for p in reached:
            p.grad = p.grad / largest * (limit / relative)
    return largest * relative


def check_gradients(params: Params) -> None:
    """Raise NonFiniteError with the name of the first parameter whose gradient has a NaN or an infinity.

    Of a module, layers whose outputs are 0 for every sample are warned of: no gradient passes through them. So are
    gradients that are all 0.
    """
    reached = _reached(params, lambda g: ~np.isfinite(g))
    if reached and not any(np.any(p.grad) for p in reached):
        what = "all gradients are 0: the loss does not depend on the parameters, or all outputs of a layer are 0"
        warnings.warn(f"{what} for every sample, as those of relus may be; viz.draw(loss) says which", stacklevel=2)
    layers = [m for m in params.modules() if hasattr(m, "activation")] if isinstance(params, Module) else []
    layers = [m for m in layers if hasattr(m, "neurons") or hasattr(m, "W")]
    for number, (layer, after) in enumerate(pairwise(layers), 1):
        weights, offsets = _gradients_of(after)
        if offsets.any() and not weights.any():
            n = len(_gradients_of(layer)[1])
            what = f"all {n} outputs ({layer.activation}) of layer {number} are 0 for every sample"
            warnings.warn(f"{what}: start anew, or with another activation such as tanh", stacklevel=2)


def _gradients_of(layer: Any) -> tuple[Array, Array]:
    """Return the gradients of the weights and of the offsets of a layer, of Values or on arrays."""
    if hasattr(layer, "W"):
        return layer.W.grad, layer.b.grad
    return np.array([[w.grad for w in neuron.w] for neuron in layer.neurons]), np.array(
        [n.b.grad for n in layer.neurons]
    )


def checked_state(state: Any) -> State:
    """Return a state as it is, or raise DataError where `Optimizer.init` could not have returned it."""
    entries: list[Any] = state if isinstance(state, list) else [None]
    if not all(isinstance(entry, list) and len(entry) > 1 and isinstance(entry[0], Node) for entry in entries):
        kind = type(state).__name__ + (f" of {type(state[0]).__name__}" if isinstance(state, list) and state else "")
        raise DataError(f"state must be what optimizer.init(model) returns, got {kind}") from None
    return entries


def state_for(optimizer: Optimizer, model: Module, state: State | None) -> State:
    """Return the state to go on from, a new one where none is given; SettingError for that of another model.

    DataError for a model or an optimizer that is none.
    """
    checked_model(model)
    if not isinstance(optimizer, Optimizer):
        raise DataError(f"optimizer must be one such as nn.adam(), got {optimizer!r}")
    if state is None:
        return optimizer.init(model)
    own = set(model.parameters())
    if any(entry[0] not in own or len(entry) != optimizer.memory + 2 for entry in checked_state(state)):
        raise SettingError("state is that of another model or optimizer: make it with optimizer.init(model)")
    return state


def _reached(params: Params, bad: Callable[[Any], Any]) -> list[Node]:
    """Return the parameters that have a gradient, or raise NonFiniteError for the first that is bad somewhere."""
    reached = {name: p for name, p in named(params).items() if p.has_grad}
    for name, p in reached.items():
        places = np.argwhere(bad(np.asarray(p.grad)))
        if len(places):
            place = tuple(int(i) for i in places[0])
            raise NonFiniteError(
                f"the gradient of {name} is {np.asarray(p.grad)[place]}{f' at {list(place)}' if place else ''}: "
                "a smaller learning rate may help, and detect_nonfinite() finds the op that made it"
            )
    return list(reached.values())


def _join(parts: list[Any]) -> Array:
    return np.concatenate([np.ravel(part) for part in parts]).astype(np.float64)


def _rate(learning_rate: Any) -> float:
    try:
        return real("learning_rate", learning_rate, "(0, inf)")
    except SettingError:
        if isinstance(learning_rate, str) or not isinstance(learning_rate, (Module, Iterable)):
            raise
    raise SettingError(
        "learning_rate must be a number, and the parameters go into init: "
        "optimizer = nn.sgd(0.1); state = optimizer.init(model)"
    )
