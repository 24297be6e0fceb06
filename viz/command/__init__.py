"""Command: `autograd-mini` and its tasks: each says what it does, adds its options, and runs."""
