"""Shards over processes, and what to do when a file takes a process down with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import joblib
from joblib.externals.loky.process_executor import BrokenProcessPool

from amdd.data.prepare.shards import Clip, prepare_shard
from amdd.profiles import PreparationSettings

Job = tuple[int, list[Clip], PreparationSettings, str, str]
CRASHED = "the decoder crashed on it"


def run_shards(jobs: list[Job], workers: int, backend: str, make: Callable) -> Iterator[int]:
    """Run every job; yields each shard's number as it is finished, in no particular order.

    A hostile file can crash a decoder and with it the process, which no exception handler sees. The pool is
    then broken, and all that is known is which clips were in flight. Those shards are run again alone, one
    process at a time, and the clip at which that process dies is refused. One worker works in this process,
    unless ``AMDD_ISOLATE`` is set.
    """
    if workers == 1 and backend == "loky" and not os.environ.get("AMDD_ISOLATE"):
        for job in jobs:
            yield prepare_shard(*job, make=make)
        return
    left = {job[0]: job for job in jobs}
    while left:
        try:
            for number in _pool(list(left.values()), workers, backend, make):
                del left[number]
                yield number
        except BrokenProcessPool:
            suspects = [k for k, job in left.items() if _in_flight(job) is not None]
            if not suspects:
                raise
            if len(suspects) == 1:
                left[suspects[0]] = _without(left[suspects[0]])
                continue
            for number in suspects:
                _alone(left.pop(number), make)
                yield number


def _alone(job: Job, make: Callable) -> None:
    """One shard in one process, refusing each clip that kills it."""
    for _ in range(len(job[1]) + 1):
        _marker(job).unlink(missing_ok=True)
        try:
            list(_pool([job], 1, "loky", make))
            return
        except BrokenProcessPool:
            if _in_flight(job) is None:
                raise
            job = _without(job)
    raise RuntimeError(f"shard {job[0]}: its process dies even without the clips that seem to kill it")


def _without(job: Job) -> Job:
    """The job with the clip in flight refused."""
    number, clips, settings, out, key = job
    guilty = _in_flight(job)
    _marker(job).unlink(missing_ok=True)
    return number, [replace(c, refused=CRASHED) if c.row == guilty else c for c in clips], settings, out, key


def _marker(job: Job) -> Path:
    return Path(job[3]) / "shards" / f"{job[0]:05d}.now"


def _in_flight(job: Job) -> int | None:
    try:
        return int(_marker(job).read_text())
    except (OSError, ValueError):
        return None


def _pool(jobs: list[Job], workers: int, backend: str, make: Callable) -> Iterator[int]:
    calls = [joblib.delayed(partial(prepare_shard, make=make))(*job) for job in jobs]
    if backend == "dask":
        with _dask(workers), joblib.parallel_config(backend="dask"):
            yield from joblib.Parallel(return_as="generator_unordered")(calls)
        return
    if workers == 1:
        # joblib would run a single job here, and a crash would take us along.
        from joblib.externals.loky import ProcessPoolExecutor

        with ProcessPoolExecutor(1) as executor:
            for job in jobs:
                yield executor.submit(prepare_shard, *job, make=make).result()
        return
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        parallel = joblib.Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1)
        yield from parallel(calls)


@contextmanager
def _dask(workers: int):
    """The current Dask client, one to ``AMDD_DASK_SCHEDULER``, or one with a cluster of its own."""
    try:
        from dask.distributed import Client, LocalCluster, get_client
    except ImportError:
        raise RuntimeError("the Dask backend needs dask[distributed]: pip install 'amdd[dask]'") from None
    try:
        yield get_client()
        return
    except ValueError:
        pass
    address = os.environ.get("AMDD_DASK_SCHEDULER")
    if address:
        with Client(address) as client:
            yield client
        return
    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client
