"""JavaScript: what the names of the table's rows mean there, on numbers.

Only how a row is computed is said here, where it is no composition of other rows: derivatives are printed from the
table. Each definition is compared with its row by the tests.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np

from ...text.formula import number
from .compositions import in_javascript
from .prelude import Definitions, pieces


def literal(setting: Any) -> str:
    """Return an axis, a shape, a number as JavaScript writes it: every sequence is a list.

    >>> literal((2, -1)), literal(None), literal(True), literal(np.float32)
    ('[2, -1]', 'null', 'true', '"float32"')
    """
    if isinstance(setting, (tuple, list, np.ndarray)) and np.ndim(setting):
        return f"[{', '.join(map(literal, setting))}]"
    if isinstance(setting, (np.ndarray, np.generic)):
        return literal(setting.item())
    if isinstance(setting, (type, np.dtype)):
        return json.dumps(np.dtype(setting).name)
    return number(setting) if isinstance(setting, float) else json.dumps(setting)


def _same(names: str, line: str) -> dict[str, str]:
    """Return a definition for each name, or for each pair `ours=theirs`, made from one line with {0} and {1}."""
    pairs = (name.partition("=") for name in names.split())
    return {ours: line.format(ours, theirs or ours) for ours, _, theirs in pairs}


@cache
def on_numbers() -> Definitions:
    """Return what each name means on numbers: the compositions, and what is written by hand."""
    return {**in_javascript(), **JAVASCRIPT}


JAVASCRIPT = {
    "inf": "const inf = Infinity;",
    "nan": "const nan = NaN;",
    "isnan": "const isnan = Number.isNaN;",
    "isfinite": "const isfinite = Number.isFinite;",
    "isinf": "const isinf = x => Math.abs(x) === Infinity;",
    **_same(
        "abs sqrt cbrt exp expm1 log log1p log2 log10 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh "
        "atan2 hypot",
        "const {0} = Math.{1};",
    ),
    **pieces(
        """
const add = (x, y) => x + y;
const add_n = (...xs) => xs.reduce(add);
const sub = (x, y) => x - y;
const mul = (x, y) => x * y;
const div = (x, y) => x / y;
const neg = x => -x;
const mod = (x, y) => x % y === 0 ? (y < 0 ? -0 : 0) : x % y < 0 !== y < 0 ? x % y + y : x % y;
const floordiv = (x, y) => y === 0 ? x / y : Math.abs(y) < Infinity ? nearFloor(x, y) : farFloor(x, y);
const nearFloor = (x, y) => Math.round((x - mod(x, y)) / y) || x / y * 0;
const farFloor = (x, y) => x !== x || y !== y || Math.abs(x) === Infinity ? NaN : farSide(x, y);
const farSide = (x, y) => x !== 0 && x < 0 !== y < 0 ? -1 : x / y;
const power = (x, y) => y === 2 ? x * x : y === 3 ? x * x * x : y === -1 ? 1 / x : otherPower(x, y);
const otherPower = (x, y) => x === 1 || y === 0 ? 1 : x === -1 && Math.abs(y) === Infinity ? 1 : Math.pow(x, y);
const identity = x => x;
const logaddexp = (x, y) => x === y ? x + Math.log(2) : x < y ? y + softplus(x - y) : x + softplus(y - x);
const sigmoid = x => x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
const softplus = x => x !== x ? x : Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const relu = x => x <= 0 ? 0 : x;
const elu = (x, alpha) => x > 0 ? x : alpha * Math.expm1(x);
const sign = x => x > 0 ? 1 : x < 0 ? -1 : x === 0 ? 0 : x;
const step = x => x > 0 ? 1 : 0;
const floor = Math.floor;
const round = x => Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x);
const greater = (x, y) => x > y ? 1 : 0;
const less = (x, y) => x < y ? 1 : 0;
const equal = (x, y) => x === y ? 1 : 0;
const where = (c, x, y) => c !== 0 ? x : y;
const maximum = (x, y) => x > y || x !== x ? x : y;
const minimum = (x, y) => x < y || x !== x ? x : y;
const logistic_loss = (x, y) => x !== x ? x : (x > 0 ? (1 - y) * x : -y * x) + Math.log1p(Math.exp(-Math.abs(x)));
const erf = x => Math.abs(x) < 2 ? erfSeries(x) : x !== x ? x : x > 0 ? 1 - erfcTail(x) : erfcTail(-x) - 1;
const erfc = x => x < 2 ? 1 - erf(x) : x !== x ? x : erfcTail(x);
const erfSeries = x => {  // 2/sqrt(pi) exp(-x^2) sum of 2^n x^(2n+1) / (1 3 5 ... (2n+1)): Abramowitz & Stegun 7.1.6
  let term = x, sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) sum += term *= 2 * x * x / (2 * n + 1);
  return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
};
const erfcTail = x => {  // exp(-x^2)/sqrt(pi) / (x + 1/2/(x + 1/(x + 3/2/(x + ...)))): Abramowitz & Stegun 7.1.14
  let tail = x;
  for (let n = 80; n > 0; n--) tail = x + n / 2 / tail;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / tail;
};
""",
        "const ",
    ),
}
