"""Programs: a record written out as source that computes its value and its gradients, and the ways to run it."""
