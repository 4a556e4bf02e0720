"""Command that serves the page for classes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

# Imports inside the commands put off torch, pandas and the notebook packages, so that `amdd --help` is quick.


@dataclass
class Serve:
    """Serve a page, to this machine alone, on which a class votes on clips, inspects them, and forges rendered people."""

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

    def do(self) -> int:
        from amdd.inspect.weights import load_scorer

        load_scorer(self.weights)  # its errors concern every clip
        asyncio.run(self._serve())
        return 0

    async def _serve(self) -> None:
        from amdd.inspect.server import start
        from amdd.inspect.worker import Limits
        from amdd.puppets.corpus.to_order import choices, make_pair

        limits = Limits(bytes=self.megabytes << 20, seconds=self.seconds, deadline=self.deadline)
        able = (make_pair, choices()) if self.forging else (None, None)
        _, address = await start(self.port, self.host, self.weights, limits, *able)
        print(f"serving {address} to this machine; stop with Ctrl-C", flush=True)
        await asyncio.Event().wait()
