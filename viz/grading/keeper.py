"""The keeper: goes on as a child in an enclosure, so that nothing which a learner's file starts outlives its grade.

On Linux the enclosure is a set of namespaces: processes die with the first of theirs, whatever sessions they have made
for themselves, as root too; files are read only, but for a folder in memory; there is no network. Where they are not
granted the keeper adopts what the child leaves behind, and ends it. It imports the standard library alone, and runs
before the learner's file does.
"""

import contextlib
import ctypes
import os
import signal
import sys

NEW_NAMESPACES = 0x10000000 | 0x20000000 | 0x00020000 | 0x40000000 | 0x08000000  # user, pid, mount, network, IPC
PRIVATE, NO_SUID_NO_DEVICES = 0x44000, 0x6  # flags of mount(2)
MOUNT_SETATTR, HERE, RECURSIVE, READ_ONLY = 442, -100, 0x8000, 1  # of mount_setattr(2): the same number everywhere
DIE_WITH_PARENT, ADOPT = 1, 36  # options of prctl(2)
ROOM = "size=64m,mode=700"  # of the folder in memory

ENCLOSED = sys.platform == "linux"
UNHELD = {  # what a system does not hold, for whoever grades there
    "darwin": "macOS ends a file's process and its group, but not a process that puts itself into a new session",
    "win32": "Windows ends a file's processes, but holds neither their memory nor their processor time",
}


def enclose() -> None:
    """Return in a child that is enclosed in the current folder; the caller stays outside and ends as the child does."""
    if not ENCLOSED:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    owner = os.getuid(), os.getgid()
    if libc.unshare(NEW_NAMESPACES) == 0:
        _own(*owner)
        _in_a_namespace(libc)
    else:
        _adopted(libc)
    os.setsid()
    libc.prctl(DIE_WITH_PARENT, signal.SIGKILL)


def _adopted(libc: ctypes.CDLL) -> None:
    """Return in a child; the caller adopts and ends whatever that leaves behind, when it ends or SIGTERM says so."""
    libc.prctl(ADOPT, 1)
    signal.signal(signal.SIGTERM, _sweep_and_leave)
    if child := os.fork():
        status = _wait_for(child)
        _sweep()
        _end_as(status)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _in_a_namespace(libc: ctypes.CDLL) -> None:
    """Return in a grandchild, sealed; the caller ends as that one does.

    The child between is the first process of the namespace, and takes the others along; it is deaf to signals from
    inside, so the learner's file must not run as that one.
    """
    listening, telling = os.pipe()
    if keeper := os.fork():
        os.close(telling)
        os.waitpid(keeper, 0)
        _end_as(int(os.read(listening, 32) or signal.SIGKILL))
    libc.prctl(DIE_WITH_PARENT, signal.SIGKILL)
    _seal(libc, os.getcwd())
    os.close(listening)
    if child := os.fork():
        os.write(telling, str(_wait_for(child)).encode())
        os._exit(0)  # and the kernel ends whatever else is in here
    os.close(telling)


def _own(user: int, group: int) -> None:
    """Stay who one was inside the new user namespace, or new files would belong to nobody."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with contextlib.suppress(OSError), open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _seal(libc: ctypes.CDLL, folder: str) -> None:
    """Make every file read only but those in `folder`, which lies in memory from here on; as far as it is granted."""
    libc.mount(None, b"/", None, PRIVATE, None)
    flags = (ctypes.c_uint64 * 4)(READ_ONLY, 0, 0, 0)
    libc.syscall(MOUNT_SETATTR, HERE, b"/", RECURSIVE, ctypes.byref(flags), ctypes.sizeof(flags))
    libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", NO_SUID_NO_DEVICES, ROOM.encode())
    os.chdir(folder)


def _wait_for(child: int) -> int:
    """Return how a child ends, and let others that end meanwhile go."""
    while True:
        ended, status = os.wait()
        if ended == child:
            return status


def _sweep() -> None:
    """End every process that the child has left behind."""
    while orphans := _children():
        for orphan in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(orphan, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.wait()


def _children() -> list[int]:
    """Return the processes whose parent this one is; what cannot be read has ended meanwhile."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat") as file:
            parent = file.read().rpartition(")")[2].split()[1]
            found += [int(name)] if int(parent) == os.getpid() else []
    return found


def _sweep_and_leave(*_: object) -> None:
    _sweep()
    os._exit(1)


def _end_as(status: int) -> None:
    """End with the exit status, or by the signal, that another process has ended with."""
    if os.WIFSIGNALED(status):
        with contextlib.suppress(OSError, ValueError):
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1)
