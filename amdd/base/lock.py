"""One process at a time in a folder."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

HELD: set[Path] = set()  # by this process, which may enter a folder again


class Busy(RuntimeError):
    """Another process works in a folder; the message names it and the cure."""


@contextmanager
def exclusive(
    folder: str | os.PathLike[str], cure: str = "set AMDD_BUILD to another folder"
) -> Iterator[None]:
    """Hold ``folder`` for this process while the block runs; made if it is not there.

    The operating system gives the lock back when a process ends, however it ends, so none is left behind. Raises
    :class:`Busy` with process, machine and time where another process holds it. Where the file system knows no locks
    (some network drives) the block runs without one.
    """
    folder = Path(folder).resolve()
    if folder in HELD:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    holder = folder / ".holder.json"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise Busy(f"{_told(holder)} works in {folder}; wait until it has ended, or {cure}") from None
    except (NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and not _without_locks(error):
            raise
    HELD.add(folder)
    try:
        holder.write_text(json.dumps(_self()), encoding="utf-8")
        yield
    finally:
        HELD.discard(folder)
        holder.unlink(missing_ok=True)
        lock.release()


def _without_locks(error: OSError) -> bool:
    import errno

    return error.errno in (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL)


def _self() -> dict[str, object]:
    command = " ".join(Path(a).name if k == 0 else a for k, a in enumerate(sys.argv))[:200]
    began = time.strftime("%Y-%m-%d %H:%M:%S")
    return {"process": os.getpid(), "machine": platform.node(), "since": began, "command": command}


def _told(holder: Path) -> str:
    """Describe the process that holds a folder, as far as it is known."""
    try:
        record = json.loads(holder.read_text(encoding="utf-8"))
        words = f"process {record['process']} on {record['machine']}, since {record['since']}"
        return f"{words} ({record['command']})" if record["command"] else words
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
