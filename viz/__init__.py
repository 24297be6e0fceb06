"""What people look at: the graph of a computation."""
