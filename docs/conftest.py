"""Leaves out the pages whose examples need an extra that is not installed."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("sklearn") else ["estimators.md"]
