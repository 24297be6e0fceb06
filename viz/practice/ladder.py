"""The ladder: up a level after three right answers in a row, down after two wrong ones."""

from __future__ import annotations

from dataclasses import dataclass

UP, DOWN = 3, 2
LOWEST, HIGHEST = 1, 9


@dataclass(frozen=True)
class Rung:
    """A level, and how many answers in a row were right, or wrong, since it was reached."""

    level: int
    right: int = 0
    wrong: int = 0

    def after(self, is_right: bool) -> Rung:
        """Return where one stands after an answer.

        >>> Rung(2, right=2).after(True), Rung(2, wrong=1).after(False), Rung(2, right=2).after(False)
        (Rung(level=3, right=0, wrong=0), Rung(level=1, right=0, wrong=0), Rung(level=2, right=0, wrong=1))
        """
        right, wrong = (self.right + 1, 0) if is_right else (0, self.wrong + 1)
        if right == UP or wrong == DOWN:
            return Rung(min(max(self.level + (1 if is_right else -1), LOWEST), HIGHEST))
        return Rung(self.level, right, wrong)
