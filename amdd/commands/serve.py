"""Command that serves the page for classes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

# Imports inside the commands put off torch, pandas and the notebook packages, so that `amdd --help` is quick.


@dataclass
class Serve:
    """Serve a page, to this machine alone, on which a class votes on clips, inspects them, and forges rendered people; or the
    built book (--book)."""

    port: int = 8765
    """0: any free port"""
    host: str = "127.0.0.1"
    """127.0.0.1, localhost or ::1"""
    weights: Path | None = None
    """a training run or packed network; default: the network that is shipped"""
    seconds: float = 120.0
    """longest clip that is taken"""
    megabytes: int = 64
    """largest file that is taken"""
    deadline: float = 60.0
    """seconds after which the process of a clip is ended"""
    forging: bool = True
    """offer to forge rendered people"""
    book: bool = False
    """serve the built book instead, so that the cells in its pages run"""
    profile: str = "demo"
    """whose book"""

    def do(self) -> int:
        if self.book:
            asyncio.run(self._serve_book())
            return 0
        from amdd.inspect.weights import load_scorer

        load_scorer(self.weights)  # its errors concern every clip
        asyncio.run(self._serve())
        return 0

    async def _serve_book(self) -> None:
        from amdd.base.paths import Workspace
        from amdd.companion.serve import built_folder, start_book

        _, address = start_book(built_folder(Workspace.of(self.profile)), self.port, self.host)
        print(f"serving the book at {address} to this machine; stop with Ctrl-C", flush=True)
        await asyncio.Event().wait()

    async def _serve(self) -> None:
        from amdd.inspect.server import start
        from amdd.inspect.worker import Limits
        from amdd.puppets.corpus.to_order import choices, make_pair

        limits = Limits(bytes=self.megabytes << 20, seconds=self.seconds, deadline=self.deadline)
        able = (make_pair, choices()) if self.forging else (None, None)
        _, address = await start(self.port, self.host, self.weights, limits, *able)
        print(f"serving {address} to this machine; stop with Ctrl-C", flush=True)
        await asyncio.Event().wait()
