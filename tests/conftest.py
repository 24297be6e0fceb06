"""Lets the tests import the helpers that stand beside them (`table_cases`, `torch_rows`), whatever the import mode."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
