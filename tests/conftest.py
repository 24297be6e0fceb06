"""Lets tests import the helpers beside them, their processes the packages, and Ctrl-C interrupt, wherever they run."""

import importlib.util
import os
import signal
import sys
from importlib import metadata
from pathlib import Path

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a job that a script runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # what is compiled here runs once: compiling is its cost
# Fused loops take half of the time to compile. A version that does not know the flag would end the process.
if importlib.util.find_spec("jaxlib") and metadata.version("jaxlib").startswith("0.10."):
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false")

_given = [os.path.abspath(place) for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), *_given])
