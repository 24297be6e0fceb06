"""Files: a reader sees the whole old content or the whole new one, whatever happens to the writer."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import pathlib
import secrets
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

from .errors import AutogradError, DataError

if sys.platform == "win32":

    def _lock(handle: int, wait: bool) -> None:
        """Do nothing: an open file cannot be deleted here, which is all the lock is for."""

else:
    import fcntl

    def _lock(handle: int, wait: bool) -> None:
        """Lock an open file, or raise OSError where another holds the lock and `wait` is false."""
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


POSIX = sys.platform != "win32"
CHUNK = 1 << 20
UNSYNCHRONISED = (
    errno.EACCES,
    errno.EINVAL,
    errno.ENOTSUP,
)  # of directories: not ours to read, or not to be synchronised
Path = str | os.PathLike[str]


class FileError(AutogradError, OSError):
    """A file that could not be read or written; `errno` and `filename` say why and which, as in every OSError."""


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` to `path`: it arrives whole, or what stood there before is untouched.

    A temporary file in the same directory is written, synchronised with the disk and renamed over the target, then the
    directory is synchronised. What killed writers left behind is removed. A link is followed, permissions are kept.
    FileError for a directory, device or pipe, a read-only file, a name that is too long, a full disk; only if the
    last step fails, synchronising the directory, has the new content already arrived.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(f"{folder}/greeting", b"hello")
    ...     with open_regular(f"{folder}/greeting") as file: file.read(), os.listdir(folder)
    (b'hello', ['greeting'])
    """
    with _named("write", path):
        target = os.path.realpath(_plain(path))
        _check_target(target)
        folder = os.path.dirname(target)
        mark = hashlib.sha256(os.fsencode(target)).hexdigest()[:16]  # a long name leaves no room for more beside it
        _remove_stale(folder, mark)
        _replace(folder, mark, target, content)
        _sync_folder(folder)


def write_as(
    path: Path, writers: Mapping[str, Callable[..., bytes]], refused: type[Exception], *what: Any
) -> pathlib.Path:
    """Write what the writer for the path's suffix makes of `what`, as `write_whole` does, and return the path.

    `refused` is the error for a suffix that has no writer; DataError for what is no path.
    """
    file = pathlib.Path(_plain(path))
    suffix = file.suffix.lower()
    if suffix not in writers:
        raise refused(f"cannot save {str(file)!r}: the suffix says how, one of {', '.join(writers)}")
    write_whole(file, writers[suffix](*what))
    return file


@contextlib.contextmanager
def open_regular(path: Path) -> Iterator[IO[bytes]]:
    """Open a regular file for reading; FileError says why it cannot be, without waiting for whoever feeds a pipe."""
    with _named("read", path), open(_plain(path), "rb", opener=_open_now) as file:
        _check_regular(os.fstat(file.fileno()).st_mode)
        yield file


def _open_now(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


@contextlib.contextmanager
def _named(verb: str, path: Path) -> Iterator[None]:
    """Turn what the system says, and what Python says about names, into a FileError that names the path."""
    try:
        yield
    except AutogradError:
        raise
    except MemoryError:
        code, reason = errno.ENOMEM, os.strerror(errno.ENOMEM)
    except OSError as error:
        code, reason = error.errno or errno.EIO, error.strerror or str(error)
    except ValueError as error:  # a NUL or a lone surrogate in the name
        code, reason = errno.EINVAL, str(error)
    else:
        return
    raise FileError(code, f"cannot {verb}: {reason}", os.fspath(path)) from None


def _plain(path: Path) -> str:
    try:
        return os.fsdecode(path)
    except TypeError:
        raise DataError(f"path must be a str or a path, got {type(path).__name__}") from None


def _check_regular(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a regular file")


def _check_target(target: str) -> None:
    """Refuse what a renamed file would replace by force: a read-only file, a device, a pipe, a directory."""
    with contextlib.suppress(FileNotFoundError):
        mode = os.stat(target).st_mode
        _check_regular(mode)
        if not mode & 0o222 or not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, "the file is read-only")


def _replace(folder: str, mark: str, target: str, content: bytes) -> None:
    handle, temporary = _locked(folder, mark)
    try:
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, handle)
            _write(handle, content)
            _keep_permissions(handle, target)
            os.fsync(handle)
            if not POSIX:
                stack.close()
            os.replace(temporary, target)  # where we can, while the lock is held: nobody takes the file for a stale one
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _locked(folder: str, mark: str) -> tuple[int, str]:
    """Create a temporary file and lock it; begin again if a cleaner was quicker than the lock."""
    while True:
        temporary = os.path.join(folder, f".{mark}-{secrets.token_hex(8)}.part")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        handle = os.open(temporary, flags, 0o666)
        try:
            if _is_kept(handle):
                return handle, temporary
        except BaseException:
            os.close(handle)
            os.unlink(temporary)
            raise
        os.close(handle)


def _is_kept(handle: int) -> bool:
    """Lock a file that was just created, where the file system has locks, and return whether it is still there."""
    with contextlib.suppress(OSError):
        _lock(handle, wait=True)
    return os.fstat(handle).st_nlink > 0


def _remove_stale(folder: str, mark: str) -> None:
    """Remove the temporary files of this target that no writer has locked: theirs were killed."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(f".{mark}-") and entry.name.endswith(".part"):
                with contextlib.suppress(OSError):
                    _remove_unlocked(entry.path)


def _remove_unlocked(path: str) -> None:
    with contextlib.ExitStack() as stack:
        handle = os.open(path, os.O_RDONLY)
        stack.callback(os.close, handle)
        _lock(handle, wait=False)
        if not POSIX:
            stack.close()
        os.unlink(path)


def _write(handle: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest[:CHUNK]) :]


def _keep_permissions(handle: int, target: str) -> None:
    """Give the new file the owner, where we may, and the permissions of the one it replaces."""
    if not POSIX or not os.path.exists(target):
        return
    old = os.stat(target)
    with contextlib.suppress(PermissionError):
        os.fchown(handle, old.st_uid, old.st_gid)
    os.fchmod(handle, stat.S_IMODE(old.st_mode))


def _sync_folder(folder: str) -> None:
    """Make the renaming itself last through a power cut."""
    if not POSIX:
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in UNSYNCHRONISED:
            raise
