"""One thread for everything that counts, so that results do not depend on how many processors there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


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
