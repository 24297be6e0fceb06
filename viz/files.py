"""Files: the whole content arrives, or the old file stays as it was."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from autograd_mini import AutogradError


class SaveError(AutogradError, OSError):
    """A file that could not be written; what stood there before is untouched."""


def write_whole(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write `content` to `path` by way of a temporary file beside it, and return the path.

    SaveError says why it could not: no such directory, read-only, disk full. Links are followed, devices written to.
    """
    target = Path(path)
    real = Path(os.path.realpath(target))
    try:
        if real.exists() and not real.is_file():
            real.write_bytes(content)
        else:
            _check_writable(real)
            _replace(real, content)
    except (OSError, ValueError) as error:  # ValueError: a NUL or a lone surrogate in the name
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SaveError(f"cannot write {str(target)!r}: {reason}") from None
    return target


def _check_writable(target: Path) -> None:
    """Refuse a file that was made read-only, though the directory would let us replace it."""
    if target.exists() and not target.stat().st_mode & 0o222:
        raise PermissionError(13, "the file is read-only")


def _replace(target: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _mode(target))
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _mode(target: Path) -> int:
    """Return the permissions of the file that is replaced, or those that a new file gets."""
    if target.exists():
        return target.stat().st_mode & 0o7777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
