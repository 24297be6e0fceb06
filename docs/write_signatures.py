"""Write into `autograd_mini/signatures.py` what the table says: `python docs/write_signatures.py`."""

from __future__ import annotations

from pathlib import Path

import autograd_mini
from autograd_mini.methods import METHODS
from autograd_mini.op import ROWS, Flat, Unary

FILE = Path(autograd_mini.__file__).parent / "signatures.py"
BEGIN = "    # From the table, by docs/write_signatures.py: the functions of one variable.\n"
END = "    # End of what is from the table.\n"


def signatures() -> str:
    """Return the methods that the rows with one variable become: of a Value they give a Value, of a Tensor a Tensor."""
    methods = [row.name for row in ROWS.values() if isinstance(row, Unary)]
    methods += [row.name for row in ROWS.values() if isinstance(row, Flat) and row.name in METHODS]
    return "".join(f"    def {name}(self) -> Self: ...\n" for name in methods)


def written(text: str) -> str:
    """Return the text of the file with its part that is from the table written anew."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + signatures() + END + rest.split(END)[1]


if __name__ == "__main__":
    FILE.write_text(written(FILE.read_text(encoding="utf-8")), encoding="utf-8")
