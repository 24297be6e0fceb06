"""Lets the tests import the helpers beside them, and the processes that they start the packages, wherever these run."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

_given = [os.path.abspath(place) for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), *_given])
