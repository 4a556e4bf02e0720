"""Does any upload bring the page for classes down, or read another file? Mutated clips and names, seeded.

    python benchmarks/hostile_uploads.py RUN [--uploads 200] [--seed 0]

The server of ``amdd serve`` runs in this process; every upload is a mutant of ``benchmarks/fuzz_media.py`` under a hostile
name. Counted: answers that are neither a result nor one line of reason, answers with the content of a file that the mutants
name, clips left in the temporary folder, and uploads over the deadline. After each tenth, a good clip must be answered.
Writes ``benchmarks/results/hostile_uploads.json`` and ends with status 1 if any count is not zero.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import http.client
import json
import re
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import quote

import numpy as np
from fuzz_media import mutate, seeds

from amdd.base.paths import MEASURED, write_text
from amdd.inspect.server import start
from amdd.inspect.worker import Limits

SECRET = "canary-8d3f1c"
NAMES = (
    "../../etc/passwd",
    "<img src=x onerror=alert(1)>.mp4",
    "a" * 4000,
    "\u202egpj.mp4",
    "%00.mp4",
    "clip.mp4",
)


def serve(weights: Path, limits: Limits) -> tuple[str, str]:
    """Start the page on a thread of its own; return its host and its token."""
    ready, found = threading.Event(), []

    async def main() -> None:
        found.append((await start(0, weights=weights, limits=limits))[1])
        ready.set()
        await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
    ready.wait(60)
    host = found[0].split("/")[2]
    connection = http.client.HTTPConnection(host)
    connection.request("GET", "/")
    token = re.search(r'token = "([^"]+)"', connection.getresponse().read().decode())
    return host, token[1]


def send(host: str, token: str, body: bytes, name: str) -> tuple[int, bytes]:
    """Return status and body of the answer to one upload."""
    connection = http.client.HTTPConnection(host, timeout=300)
    headers = {"Origin": f"http://{host}", "X-AMDD-Token": token, "X-AMDD-Name": quote(name)}
    try:
        connection.request("POST", "/inspect", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--uploads", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    limits, rng = Limits(bytes=2 << 20, seconds=20, deadline=60), np.random.default_rng(options.seed)
    counts, slowest = collections.Counter(), 0.0
    with tempfile.TemporaryDirectory() as name:
        canary = Path(name) / "canary.txt"
        canary.write_text(SECRET)
        good = [p.read_bytes() for p in seeds(Path(name)) if p.is_file()]
        host, token = serve(options.run, limits)
        left = set(Path(tempfile.gettempdir()).glob("amdd-*"))
        for k in range(options.uploads):
            data = mutate(good[int(rng.integers(len(good)))], rng, good, str(canary))
            began = time.perf_counter()
            status, body = send(host, token, data, NAMES[k % len(NAMES)])
            slowest = max(slowest, time.perf_counter() - began)
            counts[f"status {status}"] += 1
            reason = json.loads(body).get("error", "")
            counts["bad answers"] += status not in (200, 422) or "\n" in reason or "Traceback" in reason
            counts["read another file"] += SECRET.encode() in body or b"root:" in body
            if k % 10 == 9:
                counts["good clips refused"] += send(host, token, good[0], "good.mp4")[0] != 200
        counts["files kept"] = len(set(Path(tempfile.gettempdir()).glob("amdd-*")) - left)
        counts["over the deadline"] = int(slowest > limits.deadline + 5)
    wrong = ("bad answers", "read another file", "good clips refused", "files kept", "over the deadline")
    record = {"uploads": options.uploads, "seed": options.seed, "slowest": slowest, **counts}
    record |= {k: counts[k] for k in wrong}
    print(json.dumps(record, indent=1))
    write_text(MEASURED / "hostile_uploads.json", json.dumps(record, indent=1) + "\n")
    return int(any(counts[k] for k in wrong))


if __name__ == "__main__":
    sys.exit(main())
