"""Processor of this machine, threads and memory of the current process."""

from __future__ import annotations

import gc
import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def one_thread() -> Iterator[None]:
    """OpenCV, torch, and the linear algebra below NumPy compute with one thread inside.

    Work that runs side by side in processes would only wait for itself with more; and sums that are split among
    threads are rounded otherwise, so that a clip made in a worker would differ from one made in the calling process.
    """
    import cv2
    import torch
    from threadpoolctl import threadpool_limits

    before = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        cv2.setNumThreads(before[0])
        torch.set_num_threads(before[1])


def patient_threads() -> None:
    """Let threads that wait for others sleep instead of spin, in this process and those that it starts, unless the user has
    chosen otherwise; before torch is imported.

    Threads that spin hold the cores for which the others wait: beside two other jobs on two cores, a forward pass with two
    threads took 2.4 s so, and 0.13 s asleep.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # GNU's and LLVM's runtime
    os.environ.setdefault("KMP_BLOCKTIME", "0")  # Intel's


def processor() -> str:
    """Return the processor's name, as the system states it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.M)
    return found[1].strip() if found else platform.processor() or platform.machine()


def peak_memory_mb() -> float:
    """The most memory that this process has held, in MB.

    Linux's own count where there is one (``getrusage`` hands a child its parent's peak); elsewhere psutil's, which on
    macOS is what the process holds now.
    """
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
    except OSError:
        found = None
    if found:
        return round(int(found[1]) * 1024 / 1e6, 1)
    import psutil

    memory = psutil.Process().memory_info()
    return round(getattr(memory, "peak_wset", memory.rss) / 1e6, 1)  # Windows keeps a peak, macOS none


@contextmanager
def no_collection() -> Iterator[None]:
    """Suspend garbage collection while large packages are imported, and exclude their objects from later collections.

    These objects live until the process ends; collections during the imports take a fifth of a cold start.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if before:
            gc.enable()
