"""The tasks of the command that take an expression: each says what it does, adds its options, and runs."""
