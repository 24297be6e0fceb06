"""The file under `save`: whole or untouched, whatever fails on the way; and named errors for what is no file."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from threads import at_once

import nn
from autograd_mini import AutogradError, DataError
from autograd_mini import files as atomic
from autograd_mini.files import open_regular, write_whole
from nn import FileError

pytest.importorskip("safetensors")

posix = pytest.mark.skipif(sys.platform == "win32", reason="about POSIX files")
BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
OLD, NEW = b"old content", b"the new content, a little longer"


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "model"
    path.write_bytes(OLD)
    return path


def fails(action, path, code=None, words=""):
    """Check that an action raises a FileError with the path, and the error number where one is given."""
    with pytest.raises(FileError) as caught:
        action()
    error = caught.value
    assert isinstance(error, OSError)
    assert isinstance(error, AutogradError)
    assert error.filename == os.fspath(path)
    assert code is None or error.errno == code
    assert repr(str(path)) in str(error)
    assert words in str(error)


# Failing system calls -------------------------------------------------------------------------------------------------

CALLS = ["open", "write", "fsync", "replace", "fchmod", "fchown", "close", "fstat", "stat", "scandir", "unlink"]


class Failing:
    """A system call whose n-th use does its work half or not at all and raises."""

    def __init__(self, call, n, error):
        self.call, self.n, self.error, self.used = call, n, error, 0

    def __call__(self, *args, **settings):
        self.used += 1
        if self.used == self.n:
            if self.call is REAL["close"]:
                self.call(*args)
            raise self.error
        return self.call(*args, **settings)


REAL = {name: getattr(os, name) for name in CALLS if hasattr(os, name)}


@posix
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), MemoryError()]
)
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("exists", [True, False])
def test_every_failing_call_leaves_the_old_file_or_the_new_one(name, exists, error, tmp_path, monkeypatch):
    """The n-th use of each system call fails, for every n until a save comes through."""
    monkeypatch.setattr(atomic, "CHUNK", 7)
    path = tmp_path / "model"
    expected = (KeyboardInterrupt,) if isinstance(error, KeyboardInterrupt) else (FileError,)
    raised = 0
    for n in range(1, 50):
        path.unlink(missing_ok=True)
        if exists:
            path.write_bytes(OLD)
        failing = Failing(REAL[name], n, error)
        with monkeypatch.context() as patch:
            patch.setattr(os, name, failing)
            try:
                write_whole(path, NEW)
            except expected:
                raised += 1
                assert not exists or path.read_bytes() in (OLD, NEW)
                if name in ("write", "replace", "fchmod") or (name == "fsync" and n == 1):
                    assert not path.exists() if not exists else path.read_bytes() == OLD
            else:
                assert path.read_bytes() == NEW
        assert set(os.listdir(tmp_path)) <= {"model"}
        if failing.used < n:
            break
    assert failing.used < n  # the loop went beyond the last use
    assert raised or name in ("unlink", "fchown", "fchmod", "scandir")


@posix
def test_writes_that_take_only_a_part_are_continued(target, monkeypatch):
    monkeypatch.setattr(os, "write", lambda handle, data: REAL["write"](handle, data[:3]))
    write_whole(target, NEW)
    assert target.read_bytes() == NEW


@posix
@pytest.mark.parametrize(("code", "passes"), [(errno.EINVAL, True), (errno.ENOTSUP, True), (errno.EIO, False)])
def test_a_directory_that_cannot_be_synchronised(code, passes, target, monkeypatch):
    """Some file systems refuse by principle; where the disk fails, the caller is told, and the new file is there."""
    monkeypatch.setattr(os, "fsync", Failing(os.fsync, 2, OSError(code, os.strerror(code))))
    if passes:
        write_whole(target, NEW)
    else:
        fails(lambda: write_whole(target, NEW), target, code)
    assert target.read_bytes() == NEW


@posix
def test_a_full_disk_leaves_the_old_model(tmp_path):
    """The real thing: a process that may write no more than 1000 bytes to a file, and swallows no error."""
    path = tmp_path / "model"
    nn.save(nn.Dense(2, 2, rng=0), path)
    before = path.read_bytes()
    script = (
        "import nn, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: nn.save(nn.Dense(40, 40, rng=0), sys.argv[1])\n"
        "except nn.FileError as error: print(error); sys.exit(3)"
    )
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, timeout=120)
    assert done.returncode == 3, done.stderr
    assert str(path) in done.stdout
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_devices_stay_devices():
    for device in ("/dev/full", "/dev/null"):
        fails(lambda device=device: nn.save(nn.Dense(2, 2, rng=0), device), device, words="not a regular file")
        assert stat.S_ISCHR(os.stat(device).st_mode)


# Kills ----------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_thirty_kills_leave_no_unreadable_file_and_nothing_beside_it():
    """The same kills make `numpy.savez` straight over the file unreadable: so they do hit."""
    script = (
        "import json, kill_during_save as k; print(json.dumps([k.measure('nn.save', 30), k.measure('numpy.savez', 9)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=BENCHMARKS, capture_output=True, text=True, check=True, timeout=120
    )
    ours, plain = json.loads(done.stdout)
    kills, unreadable, left_by_kills, left_in_the_end = ours
    assert (kills, unreadable, left_in_the_end) == (30, 0, 0)
    assert left_by_kills > 0
    assert plain[1] > 0


@posix
def test_a_writer_killed_at_each_call_leaves_a_whole_file(tmp_path):
    """A process ends without a word (`os._exit`) at each system call of a save."""
    script = """
import os, sys, nn
from autograd_mini.files import write_whole
path, old, new = sys.argv[1], b"old", b"new"
for name in ("open", "write", "fsync", "fchmod", "replace", "close"):
    for n in range(1, 6):
        write_whole(path, old)
        child = os.fork()
        if not child:
            real, used = getattr(os, name), []
            def ending(*args, **settings):
                used.append(1)
                if len(used) == n:
                    os._exit(7)
                return real(*args, **settings)
            setattr(os, name, ending)
            write_whole(path, new)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(name, n, status, open(path, "rb").read().decode(), len(os.listdir(os.path.dirname(path))) - 1)
write_whole(path, new)
print(*os.listdir(os.path.dirname(path)))
"""
    command = [sys.executable, "-W", "ignore", "-c", script, tmp_path / "model"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    *lines, last = [line.split() for line in done.stdout.splitlines()]
    assert last == ["model"]
    assert {line[3] for line in lines if line[2] == "7"} == {"old", "new"}
    assert all(line[3:] == ["new", "0"] for line in lines if line[2] == "0")
    assert any(line[4] == "1" for line in lines)  # some were ended between the creation and the renaming


def test_only_what_a_dead_writer_left_is_removed(tmp_path):
    """Another saver at work, another target's file, and a file that only looks similar stay."""
    path = tmp_path / "model"
    mark = mark_of(path)
    others = [f".{mark_of(tmp_path / 'other')}-00.part", f".{mark}.part", f"{mark}-00.part", f".{mark}-00"]
    for name in (*others, f".{mark}-dead.part"):
        (tmp_path / name).write_bytes(b"x")
    handle, busy = atomic._locked(str(tmp_path), mark)
    try:
        write_whole(path, NEW)
        assert sorted(os.listdir(tmp_path)) == sorted(["model", os.path.basename(busy), *others])
    finally:
        os.close(handle)
    write_whole(path, NEW)
    assert sorted(os.listdir(tmp_path)) == sorted(["model", *others])


def mark_of(path):
    """Return how the names of a target's temporary files begin."""
    seen = []
    real = os.replace
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", lambda a, b: (seen.append(os.path.basename(a)), real(a, b)))
        write_whole(path, OLD)
    os.unlink(path)
    return seen[0][1:].split("-")[0]


@posix
def test_a_cleaner_that_is_quicker_than_the_lock_only_costs_another_try(target, monkeypatch):
    real, stolen = atomic._lock, []

    def steal(handle, wait):
        if wait and not stolen:
            stolen.extend(name for name in os.listdir(target.parent) if name.endswith(".part"))
            os.unlink(target.parent / stolen[0])
        real(handle, wait)

    monkeypatch.setattr(atomic, "_lock", steal)
    write_whole(target, NEW)
    assert stolen
    assert target.read_bytes() == NEW
    assert os.listdir(target.parent) == ["model"]


@posix
def test_a_file_system_without_locks_still_saves(target, monkeypatch):
    def refuse(handle, wait):
        raise OSError(errno.ENOTSUP, "no locks")

    monkeypatch.setattr(atomic, "_lock", refuse)
    write_whole(target, NEW)
    assert target.read_bytes() == NEW


def test_savers_at_once_leave_one_of_their_models(tmp_path):
    path = tmp_path / "model"
    models = [nn.Dense(50, 50, init=nn.init.constant(float(i)), rng=0) for i in range(4)]

    def work(model):
        for _ in range(10):
            nn.save(model, path)
            W = nn.load(path).W.data
            assert np.unique(W).size == 1

    at_once(*(partial(work, model) for model in models))
    assert os.listdir(tmp_path) == ["model"]


# Names, links, permissions --------------------------------------------------------------------------------------------

NAMES = [
    "m",
    "model.safetensors",
    "Größe 学习 🙂",
    "with 'quotes' \" and\nlines",
    "-",
    "~",
    "x" * 255,
    "é" * 127,
    ".hidden",
]


@posix
@pytest.mark.parametrize("name", [*NAMES, "not utf-8 \udcff"])
def test_names_of_every_kind(name, tmp_path):
    path = tmp_path / name
    try:
        path.write_bytes(OLD)
    except OSError:
        pytest.skip("this file system does not take the name")
    nn.save(nn.Dense(2, 2, rng=0), path)
    assert isinstance(nn.load(path), nn.Dense)
    assert isinstance(nn.load(os.fspath(path)), nn.Dense)
    assert os.listdir(tmp_path) == [name]


@posix
@pytest.mark.parametrize(
    ("name", "code"), [("x" * 256, errno.ENAMETOOLONG), ("a\0b", errno.EINVAL), ("\ud800", errno.EINVAL), ("", None)]
)
def test_names_that_cannot_be(name, code, tmp_path):
    path = f"{tmp_path}/{name}" if name else ""
    fails(lambda: nn.save(nn.Dense(2, 2, rng=0), path), path, code)
    fails(lambda: nn.load(path), path, code)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("path", [None, 3, 2.5, ["model"]])
def test_what_is_no_path_is_a_type_error(path):
    with pytest.raises(DataError, match="path must be a str or a path"):
        nn.save(nn.Dense(2, 2, rng=0), path)
    with pytest.raises(DataError, match="path must be a str or a path"):
        nn.load(path)


def test_a_relative_path_and_a_path_in_bytes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nn.save(nn.Dense(2, 2, rng=0), "model")
    assert isinstance(nn.load(b"model"), nn.Dense)


def test_what_is_missing_or_no_file(tmp_path):
    model = nn.Dense(2, 2, rng=0)
    fails(lambda: nn.load(tmp_path / "none"), tmp_path / "none", errno.ENOENT)
    fails(lambda: nn.save(model, tmp_path / "none" / "model"), tmp_path / "none" / "model", errno.ENOENT)
    (tmp_path / "file").write_bytes(b"")
    fails(lambda: nn.load(tmp_path / "file" / "model"), tmp_path / "file" / "model", errno.ENOTDIR)
    fails(lambda: nn.save(model, tmp_path / "file" / "model"), tmp_path / "file" / "model", errno.ENOTDIR)
    fails(lambda: nn.load(tmp_path), tmp_path, errno.EISDIR)
    fails(lambda: nn.save(model, tmp_path), tmp_path, errno.EISDIR)


@posix
def test_pipes_are_refused_without_waiting(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    fails(lambda: nn.load(pipe), pipe, words="not a regular file")
    fails(lambda: nn.save(nn.Dense(2, 2, rng=0), pipe), pipe, words="not a regular file")
    assert stat.S_ISFIFO(os.stat(pipe).st_mode)


@posix
def test_links_are_followed_and_stay(tmp_path):
    (tmp_path / "far").mkdir()
    link = tmp_path / "link"
    link.symlink_to("far/model")
    nn.save(nn.Dense(2, 2, rng=0), link)  # a link to nothing yet
    nn.save(nn.Dense(2, 3, rng=0), link)
    assert link.is_symlink()
    assert nn.load(link).W.shape == nn.load(tmp_path / "far" / "model").W.shape == (3, 2)
    assert sorted(os.listdir(tmp_path)) == ["far", "link"]
    loop = tmp_path / "loop"
    loop.symlink_to("loop")
    fails(lambda: nn.load(loop), loop, errno.ELOOP)
    fails(lambda: nn.save(nn.Dense(2, 2, rng=0), loop), loop, errno.ELOOP)
    assert loop.is_symlink()


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_permissions_are_kept_and_a_new_file_gets_the_usual_ones(mode, target):
    target.chmod(mode)
    write_whole(target, NEW)
    assert stat.S_IMODE(target.stat().st_mode) == mode
    mask = os.umask(0o027)
    try:
        write_whole(target.parent / "new", NEW)
    finally:
        os.umask(mask)
    assert stat.S_IMODE((target.parent / "new").stat().st_mode) == 0o640


@posix
def test_a_read_only_file_is_not_replaced(target):
    target.chmod(0o444)
    fails(lambda: write_whole(target, NEW), target, errno.EACCES, "read-only")
    assert target.read_bytes() == OLD
    assert os.listdir(target.parent) == ["model"]


@posix
def test_without_permission(tmp_path_factory):
    with folder_of_nobody() as folder:
        path = folder / "model"
        nn.save(nn.Dense(2, 2, rng=0), path)
        before = path.read_bytes()
        path.chmod(0o200)
        fails(lambda: nn.load(path), path, errno.EACCES)
        path.chmod(0o600)
        folder.chmod(0o500)
        fails(lambda: nn.save(nn.Dense(2, 3, rng=0), path), path, errno.EACCES)
        assert path.read_bytes() == before
        folder.chmod(0)
        fails(lambda: nn.load(path), path, errno.EACCES)
        folder.chmod(0o300)  # may be written, not listed: what is stale stays, the file arrives
        nn.save(nn.Dense(2, 3, rng=0), path)
        folder.chmod(0o700)
        assert path.read_bytes() != before


@contextlib.contextmanager
def folder_of_nobody():
    """Yield a directory as somebody whom permissions do bind: not the superuser."""
    folder = Path(tempfile.mkdtemp())
    root = os.geteuid() == 0
    nn.save(nn.Dense(2, 2, rng=0), folder / "model")  # what is imported late is imported now
    (folder / "model").unlink()
    try:
        if root:
            try:
                os.chown(folder, 65534, 65534)
            except OSError:
                pytest.skip("the superuser of a namespace that has no other user")
            os.seteuid(65534)
        yield folder
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)
        shutil.rmtree(folder)


def test_a_file_is_closed_after_every_load(tmp_path):
    path = tmp_path / "model"
    nn.save(nn.Dense(2, 2, rng=0), path)
    path.write_bytes(path.read_bytes()[:-1])
    for _ in range(20):
        with pytest.raises(nn.FormatError):
            nn.load(path)
    with open_regular(path) as file:
        assert file.fileno() < 100
    assert file.closed


def test_the_loaded_numbers_are_ones_own(tmp_path):
    model = nn.Dense(2, 2, rng=0)
    nn.save(model, tmp_path / "model")
    again = nn.load(tmp_path / "model")
    again.W.data -= 1.0
    np.testing.assert_array_equal(nn.load(tmp_path / "model").W.data, model.W.data)
