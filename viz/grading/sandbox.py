"""A process with a learner's engine in it: asked one script at a time, held by the clock, ended with all it started."""

from __future__ import annotations

import ast
import contextlib
import os
import queue
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

from . import pupil
from .exercise import Numbers, numbers

OURS = str(Path(pupil.__file__).parents[2])  # holds our own engine, also where it is installed as a link to its source
FLOOD = 10_000_000  # bytes of one answer; no honest one is longer
SOON = 0.5  # seconds that a process which closes its pipe, or was killed, is given to be gone
IMPORT = 4  # times as long as one graph may an import take: it may have to load numpy
LEAN = {  # each thread of BLAS takes memory, and so does what a Python without the global lock would reserve: 1 GiB
    "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MIMALLOC_ARENA_RESERVE": "0",
}  # fmt: skip

HANGS, ENDS = "no answer", "ended"
FORGED = "by what it wrote in place of an answer"


class Problem(NamedTuple):
    """Why there are no numbers: what was raised, or `no answer`, or `ended`; in `line` of the file, at `statement`."""

    kind: str
    message: str
    line: int = 0
    raised_there: bool = True
    statement: str = ""


Answer = dict[str, Numbers] | Problem


class Sandbox:
    """Asks the engine in a file; a process that hangs or ends is replaced by a new one for the next script."""

    def __init__(self, file: str, seconds: float, memory: int) -> None:
        self.file = file
        self.seconds = seconds
        self.memory = memory
        self.worker: _Worker | None = None

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self._drop()

    def start(self) -> Problem | None:
        """Import the engine anew; return why that did not work, if it did not."""
        self._drop()
        self.worker = _Worker(self.file, self.seconds, self.memory)
        said = self._listen(IMPORT * self.seconds, lambda said: said == "ready")
        return said if isinstance(said, Problem) else None

    def ask(self, script: str, seconds: float | None = None) -> Answer:
        """Return what the engine answers to a script within so many seconds."""
        if self.worker is None:
            failed = self.start()
            if failed is not None:
                return failed
        assert self.worker is not None
        self.worker.send(script)
        said = self._listen(self.seconds if seconds is None else seconds, partial(is_answer, script))
        return said if isinstance(said, Problem) else numbers(said)

    def _listen(self, seconds: float, expected: Callable[[Any], bool]) -> Any:
        """Return the next answer, or the problem that came instead of it."""
        assert self.worker is not None
        try:
            said = self.worker.heard.get(timeout=seconds)
            status = None if said is not None else self.worker.status(SOON)
        except queue.Empty:
            said, status = None, self.worker.status(0.0)
        if said is None:
            self._drop()
            return Problem(ENDS, ended(status)) if status is not None else Problem(HANGS, f"for {seconds:g} s")
        if is_trouble(said):
            return Problem(*said)
        if expected(said):
            return said
        self._drop()
        return Problem(ENDS, FORGED)

    def _drop(self) -> None:
        if self.worker is not None:
            self.worker.end()
            self.worker = None


def is_trouble(said: Any) -> bool:
    """Whether an answer says what was raised: a file that writes to the pipe itself may say anything."""
    kinds = (str, str, int, bool, str)
    return isinstance(said, tuple) and len(said) == 5 and all(map(isinstance, said, kinds))


def is_answer(script: str, said: Any) -> bool:
    """Whether an answer has a row of three texts for each name that the script shows.

    >>> is_answer("leaf a 2.0; show a", [("a", "0x1p+1", "0x0p+0")]), is_answer("leaf a 2.0; show a", [])
    (True, False)
    """
    if not isinstance(said, list) or not all(isinstance(row, tuple) and len(row) == 3 for row in said):
        return False
    word, *names = script.rpartition(";")[2].split()
    texts = all(isinstance(text, str) for row in said for text in row)
    return texts and (word != "show" or [row[0] for row in said] == names)


class _Worker:
    """The process, and the threads that stand at its pipes so that nobody else has to wait there."""

    def __init__(self, file: str, seconds: float, memory: int) -> None:
        self.sign = secrets.token_hex(16)  # begins each line that is an answer; whatever else is written is not
        self.folder = tempfile.TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True)
        most = str(int(100 * seconds) + 1)  # of processor time, should nobody be left to end the process
        command = [sys.executable, "-I", "-S", "-B", "-c", pupil.START, pupil.__file__]
        command += [file, most, str(memory), self.sign, *map(os.path.abspath, sys.path), OURS]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
            stderr=subprocess.DEVNULL, cwd=self.folder.name, env={**os.environ, **LEAN}, start_new_session=True,
        )  # fmt: skip
        self.heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.scripts: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.reader, self.writer = _apart(self._read), _apart(self._write)

    def send(self, script: str) -> None:
        """Hand a script over, without waiting until it is read."""
        self.scripts.put(script)

    def status(self, seconds: float) -> int | None:
        """Return the exit status of a process that ends within so many seconds, else None."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(timeout=seconds)
        return None

    def end(self) -> None:
        """End the process and all that it has started."""
        kill(self.process)
        self.scripts.put(None)
        for thread, pipe in ((self.writer, self.process.stdin), (self.reader, self.process.stdout)):
            thread.join(SOON)  # a process that got away may hold the other end: then the thread waits, we do not
            if not thread.is_alive():
                pipe.close()  # type: ignore[union-attr]
        self.folder.cleanup()

    def _write(self) -> None:
        with contextlib.suppress(OSError):  # it has ended; whoever listens will learn that
            for script in iter(self.scripts.get, None):
                line = script.encode() + b"\n"
                while line:
                    line = line[self.process.stdin.write(line) :]  # type: ignore[union-attr]

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            for line in _lines(self.process.stdout):  # type: ignore[arg-type]
                _, signed, text = line.partition(self.sign.encode())
                if signed:
                    self.heard.put(ast.literal_eval(text.decode("ascii")))
        self.heard.put(None)


def _apart(task: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=task, daemon=True)
    thread.start()
    return thread


def _lines(pipe: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while len(rest) < FLOOD and (piece := pipe.read(1 << 16)):
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process with its whole group, and wait for it."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
    else:
        process.terminate()  # its keeper ends what it has left behind
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=SOON)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def ended(status: int) -> str:
    """Say how a process has ended.

    >>> ended(3), ended(-11)
    ('with exit status 3', 'by SIGSEGV')
    """
    if status >= 0:
        return f"with exit status {status}"
    try:
        return f"by {signal.Signals(-status).name}"
    except ValueError:
        return f"by signal {-status}"
