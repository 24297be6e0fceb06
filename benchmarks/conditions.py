"""Conditions: do the tests pass wherever they are run? `python benchmarks/conditions.py [name ...] [-- tests]`.

Runs the fast tests, or what is given after `--`, once under each condition, and reports which passed. Needs Linux,
`pip install ".[test]" pytest-randomly`; to be another user, root; to have no network, root or user namespaces.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 3600  # seconds for one run
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
IN_ORDER = [*PYTEST, "-p", "no:randomly"]
# A machine without network still reaches itself, as browsers, kernels and clusters do: its own interface is up (man 7
# netdevice: SIOCSIFFLAGS, IFF_UP).
LOOPBACK = """
import fcntl, os, socket, struct, sys
with socket.socket() as any_:
    fcntl.ioctl(any_, 0x8914, struct.pack("16sh22x", b"lo", 1))
os.execvp(sys.argv[1], sys.argv[1:])
"""
TO_ITSELF = (sys.executable, "-c", LOOPBACK)
Run = tuple[list[str], dict[str, str], Path]  # a command, what is added to the environment, and a folder


def plain(workshop: Path, *before: str, **environment: str) -> Run:
    """Return a run in this checkout, in the order of the files."""
    return [*before, *IN_ORDER], environment, ROOT


def at_random(workshop: Path) -> Run:
    """Return a run in an order that is drawn anew each time; pytest-randomly tells the seed."""
    return PYTEST, {}, ROOT


def as_an_ordinary_user(workshop: Path) -> Run:
    """Return a run by a user who may write nothing but temporary files, least of all the checkout."""
    checkout = copied(workshop / "checkout")
    subprocess.run(["chmod", "-R", "a+rX,a-w", checkout], check=True, timeout=60)
    own = workshop / "tmp"
    own.mkdir()
    own.chmod(0o777)
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
    return [*user, *IN_ORDER], {"TMPDIR": str(own), "HOME": str(own), "PYTHONPATH": str(checkout)}, checkout


def from_a_wheel(workshop: Path) -> Run:
    """Return a run of the tests beside no package: what they import is installed from a wheel."""
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", workshop, copied(workshop / "source")]
    subprocess.run(build, check=True, timeout=600)
    venv.create(workshop / "venv", with_pip=True)
    python = workshop / "venv" / "bin" / "python"
    (wheel,) = workshop.glob("*.whl")
    subprocess.run([python, "-m", "pip", "install", "-q", f"{wheel}[test]"], check=True, timeout=1800)
    elsewhere = copied(workshop / "elsewhere")
    for package in ("autograd_mini", "nn", "viz"):
        shutil.rmtree(elsewhere / package)
    return [str(python), *IN_ORDER[1:], "tests"], {"PYTHONPATH": ""}, elsewhere


def copied(folder: Path) -> Path:
    """Return a folder with the files of the last commit."""
    subprocess.run(["git", "clone", "-q", ROOT, folder], check=True, timeout=60)
    return folder


CONDITIONS: dict[str, Callable[[Path], Run]] = {
    "random order": at_random,
    "another random order": at_random,
    "hash seed 0": lambda workshop: plain(workshop, PYTHONHASHSEED="0"),
    "hash seed 4294967295": lambda workshop: plain(workshop, PYTHONHASHSEED="4294967295"),
    "one core": lambda workshop: plain(workshop, "taskset", "-c", "0"),
    "SIGINT ignored": lambda workshop: plain(workshop, "sh", "-c", 'trap "" INT; exec "$@"', "sh"),
    "no network": lambda workshop: plain(workshop, "unshare", "--map-root-user", "--net", *TO_ITSELF),
    "no home": lambda workshop: plain(workshop, HOME=str(workshop / "nobody")),
    "ordinary user": as_an_ordinary_user,
    "wheel": from_a_wheel,
}


def passes(name: str, wanted: list[str]) -> bool:
    """Run the tests under one condition, and say how long it took."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as workshop:
        Path(workshop).chmod(0o755)
        command, environment, folder = CONDITIONS[name](Path(workshop))
        start = time.perf_counter()
        env = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **os.environ, **environment}
        done = subprocess.run([*command, *wanted], cwd=folder, env=env, timeout=LONGEST, check=False)
    print(f"{name}: {'passed' if not done.returncode else 'FAILED'} in {time.perf_counter() - start:.0f} s", flush=True)
    return not done.returncode


def main(argv: list[str]) -> int:
    """Run all conditions, or those that are named."""
    cut = argv.index("--") if "--" in argv else len(argv)
    names, wanted = argv[:cut] or list(CONDITIONS), argv[cut + 1 :] or ["-m", "not slow"]
    passed = [passes(name, wanted) for name in names]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
