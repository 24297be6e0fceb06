"""Write into `autograd_mini/signatures.py` what the table says: `python docs/write_signatures.py`."""

from __future__ import annotations

from pathlib import Path

import autograd_mini
from autograd_mini.methods import METHODS
from autograd_mini.op import ROWS, Binary, Flat, Op, Unary

FILE = Path(autograd_mini.__file__).parent / "signatures.py"
BEGIN = "    # From the table, by docs/write_signatures.py: the rows that are methods.\n"
END = "    # End of what is from the table.\n"
TYPES = {bool: "bool", int: "int", type(None): "Axis"}  # of a setting, by its default; of a variable it is Operand


def signatures() -> str:
    """Return the methods that rows become: of one variable they give a Value of a Value, and a Tensor of a Tensor."""
    methods = [row for row in ROWS.values() if isinstance(row, Unary)]
    methods += [row for row in ROWS.values() if isinstance(row, Flat) and METHODS.get(row.name) is row]
    others = [row for name, row in METHODS.items() if isinstance(row, Op) and row.name == name]
    alike = "".join(f"    def {row.name}(self) -> Self: ...\n" for row in methods)
    return alike + "".join(map(signature, [row for row in others if row not in methods]))


def signature(row: Op) -> str:
    """Return the method that a row of several arguments becomes, with the row's own defaults."""
    if isinstance(row, Binary):
        return f"    def {row.name}(self, other: Operand, /) -> N: ...\n"
    rest = "".join(f", {parameter(row, i)}" for i in range(1, len(row.params)))
    return f"    def {row.name}(self{rest}) -> N: ...\n"


def parameter(row: Op, i: int) -> str:
    """Return the i-th parameter of a row, with its type and its default."""
    name = row.params[i]
    if name not in row.defaults:
        return f"{name}: Operand"
    default = row.defaults[name]
    kind = "Operand" if row.rule(i) else TYPES.get(type(default), "float")
    return f"{name}: {kind} = {default!r}"


def written(text: str) -> str:
    """Return the text of the file with its part that is from the table written anew."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + signatures() + END + rest.split(END)[1]


if __name__ == "__main__":
    FILE.write_text(written(FILE.read_text(encoding="utf-8")), encoding="utf-8")
