"""Text: a record as formulas, as steps in words and numbers, and the layouts that they are shown in."""
