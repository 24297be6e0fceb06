"""Words of other libraries: what they call the arguments of layers and networks, and what is answered."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from .errors import SettingError

F = TypeVar("F", bound=Callable[..., None])

CALLED = {  # what other libraries call the arguments of layers and networks
    "nin": "n_in", "in_features": "n_in", "input_size": "n_in", "nout": "n_out", "out_features": "n_out",
    "nouts": "sizes", "hidden": "sizes", "hidden_sizes": "sizes", "nonlin": "activation", "nonlinearity": "activation",
    "act": "activation", "seed": "rng", "random_state": "rng", "generator": "rng",
}  # fmt: skip
MICROGRAD = {"nin", "nout", "nouts"}  # taken as they are, and nonlin where it is True or False


def in_our_words(init: F) -> F:
    """Return a constructor that takes micrograd's words too, and answers other libraries' with its own."""
    known = inspect.signature(init).parameters
    open_ended = any(p.kind is p.VAR_KEYWORD for p in known.values())

    @functools.wraps(init)
    def wrapped(self: Any, *args: Any, **keywords: Any) -> None:
        for name in [name for name in keywords if name not in known]:
            ours = CALLED.get(name, "")
            if ours in known and (name in MICROGRAD or (name == "nonlin" and isinstance(keywords[name], bool))):
                keywords[ours] = keywords.pop(name)
            elif ours in known or not open_ended:
                whose = f"{type(self).__name__} has no argument {name!r}"
                remedy = f"here it is called {ours}" if ours in known else f"it takes {', '.join([*known][1:])}"
                raise SettingError(f"{whose}: {remedy}")
        init(self, *args, **keywords)

    return wrapped  # type: ignore[return-value]
