"""One task in a process of its own, with a deadline and limits, so that nothing a file does outlives its answer."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from amdd.data.media import MediaError


@dataclass(frozen=True)
class Limits:
    """Bounds of one upload: ``bytes`` of the file, ``seconds`` of its clip, ``pixels`` of its frame, and the ``deadline`` of
    its process in seconds; forging may take ``forging`` seconds."""

    bytes: int = 64 << 20
    seconds: float = 120.0
    pixels: int = 4096 * 2304
    deadline: float = 60.0
    forging: float = 300.0
    memory: int = 12 << 30  # of address space


class Refused(ValueError):
    """A clip that is over a limit, or that could not be answered; the message is for the person who sent it."""


def in_a_process(task: Callable[..., Any], *arguments: Any, deadline: float, memory: int) -> Any:
    """Return ``task(*arguments)``, computed in a process of its own that is ended after ``deadline`` seconds.

    Raises :class:`Refused` with the task's own message, or if the process died or took too long. The process is forked
    from a server that has imported the library, where the system has such a thing, so that it starts at once.
    """
    forks = "forkserver" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if forks else "spawn")
    if forks:
        context.set_forkserver_preload(["amdd.inspect.preload"])
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, task, arguments, deadline, memory), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(deadline):
            raise Refused(f"no answer within {deadline:.0f} seconds; send a shorter or smaller clip")
        good, value = ours.recv()
    except EOFError:
        raise Refused("the process ended while it read this file; convert it: ffmpeg -i IN OUT.mp4") from None
    finally:
        ours.close()
        process.kill()
        process.join(5)
    if not good:
        raise Refused(value)
    return value


def _child(
    connection: Connection, task: Callable[..., Any], arguments: tuple, deadline: float, memory: int
) -> None:
    _limit(deadline, memory)
    try:
        result = True, task(*arguments)
    except MediaError as error:
        result = False, error.reason
    except MemoryError:
        result = False, "the clip needs more memory than one upload may take"
    except Exception as error:
        result = False, str(error) or type(error).__name__
    connection.send(result)
    connection.close()


def _limit(deadline: float, memory: int) -> None:
    """Bound what this process may take, where the system can."""
    import torch

    torch.set_num_threads(max(1, (os.cpu_count() or 1)))
    try:
        import resource
    except ImportError:
        return
    for kind, bound in (
        (resource.RLIMIT_CPU, int(deadline * (os.cpu_count() or 1)) + 5),
        (resource.RLIMIT_FSIZE, 1 << 30),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, memory),
    ):
        hard = resource.getrlimit(kind)[1]
        bound = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(kind, (bound, hard))


def answer_file(path: Path, name: str, weights: Path | None, limits: Limits) -> dict[str, Any]:
    """Return the answer to an uploaded file as the parts of a page: ``html`` and the numbers beside it.

    Raises :class:`Refused` over a limit, :class:`~amdd.data.media.MediaError` for what cannot be read.
    """
    from amdd.data.media import probe
    from amdd.inspect.inspector import inspect
    from amdd.inspect.report import page_of
    from amdd.inspect.weights import load_scorer

    stated = probe(path)
    if stated.seconds > limits.seconds:
        raise Refused(f"{stated.seconds:.0f} seconds long; at most {limits.seconds:.0f} are taken here")
    if stated.width * stated.height > limits.pixels:
        raise Refused(f"{stated.width} x {stated.height} pixels; at most {limits.pixels} are taken here")
    scorer = load_scorer(weights)
    found = dataclasses.replace(inspect(path, scorer=scorer), file=name)
    return {
        "html": page_of(found, path, scorer, bare=True),
        "verdict": found.verdict,
        "probability": found.as_dict()["probability"],
        "limit": scorer.calibration.answer_from,
    }


def answer_bytes(data: bytes, name: str, weights: Path | None, limits: Limits) -> dict[str, Any]:
    """Return :func:`answer_file` of ``data``; its file is removed before the answer is given."""
    with tempfile.TemporaryDirectory(prefix="amdd-") as folder:
        path = Path(folder) / "clip"
        path.write_bytes(data)
        return answer_file(path, name, weights, limits)


def forge_and_answer(
    forge: Callable[..., tuple[Path, Path]],
    order: tuple[int, str, str],
    weights: Path | None,
    limits: Limits,
) -> dict[str, Any]:
    """Return the answers to a recording made to ``order`` (person, sentence, generator) and to its forgery."""
    import base64

    with tempfile.TemporaryDirectory(prefix="amdd-") as folder:
        paths = forge(*order, Path(folder))
        pair = {}
        for kind, path in zip(("real", "forged"), paths):
            address = f"data:video/mp4;base64,{base64.b64encode(path.read_bytes()).decode()}"
            pair[kind] = answer_file(path, f"{kind}, as it was made", weights, limits) | {"clip": address}
        return pair
