"""What a training step of AMDD costs, beside the bare backbones on the same tensors, which is the limit.

    python benchmarks/training_step.py [--profile demo] [--steps 12] [--rounds 3] [--compile] [--out NAME]

In turns, the median over rounds: forward, loss, backward, clipping and optimiser step of

- the bare backbones: the two trunks, each with a mean and one linear layer, the focal loss, the same optimiser;
- AMDD as it is trained;
- AMDD fed by the loader instead of one fixed batch;
- AMDD with bf16, channels-last or compilation switched.

Beside them: the machine's measured peak in matrix products, and the peak memory of each in a process of its own. On a
GPU also frames a second and, as a projection from them, the paper's 50 epochs on 1,344 clips. Writes
``benchmarks/results/<out>.json``.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time

import numpy as np
import torch
from torch import nn

from amdd.backbones import Trunk
from amdd.clips import collate
from amdd.losses import Objective
from amdd.model import AMDD
from amdd.paths import PROJECT, write_text
from amdd.profiles import Profile, load_profile, replaced
from amdd.spectrograms import shape_of
from amdd.training import choose_device, choose_precision, training_step


class Bare(nn.Module):
    """The two trunks with one linear layer each: what no network with these backbones can do without."""

    def __init__(self, profile: Profile) -> None:
        super().__init__()
        self.visual = Trunk(profile.model.visual_backbone, "random")
        self.audio = Trunk(profile.model.audio_backbone, "random", channels=1)
        self.heads = nn.ModuleList([nn.Linear(self.visual.width, 1), nn.Linear(self.audio.width, 1)])

    def forward(self, frames, mel):
        flat = frames.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        seen = self.heads[0](self.visual(flat).mean((2, 3))).view(*frames.shape[:2]).mean(1)
        return seen + self.heads[1](self.audio(mel).mean((2, 3)))[:, 0]


def batch_of(profile: Profile, rng: np.random.Generator) -> dict:
    p, n = profile.preparation, profile.training.batch_size
    items = [
        {
            "frames": torch.from_numpy(rng.normal(0, 1, (p.frames, 3, p.size, p.size)).astype(np.float32)),
            "mel": torch.from_numpy(rng.uniform(-1, 1, shape_of(p)).astype(np.float32)),
            "label": int(k > 0),
            "generator": k % 4,
            "audio_present": True,
            "clip_id": str(k),
            "index": k,
        }
        for k in range(n)
    ]
    return collate(items)


def optimiser_of(model: nn.Module, profile: Profile) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), profile.training.learning_rate)


def bare_step(profile, device, precision):
    torch.manual_seed(0)
    model = Bare(profile).to(device, memory_format=torch.channels_last).train()
    optimiser = optimiser_of(model, profile)

    def step(batch):
        moved = {k: v.to(device) if isinstance(v, torch.Tensor) else v for k, v in batch.items()}
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            logit = model(moved["frames"], moved["mel"])
        loss = nn.functional.binary_cross_entropy_with_logits(logit.float(), moved["label"])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        float(loss.detach())

    return step


def amdd_step(profile, device, precision, channels_last=True, compiled=False):
    torch.manual_seed(0)
    model = AMDD(replaced(profile, {"model.weights": "random"}).model).to(device)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    objective = Objective(profile.training.loss, 3, 2 * profile.model.dim).to(device)
    optimiser = optimiser_of(model, profile)
    runner = torch.compile(model) if compiled else model

    def step(batch):
        training_step(runner, objective, optimiser, batch, device, precision, 1.0, channels_last)

    return step


def timed(step, batches, device, steps: int) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    for k in range(steps):
        step(batches(k))
    if device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / steps


def matmul_peak(device, kind) -> float:
    """Billions of operations a second in a large matrix product."""
    n = 8192 if device.type == "cuda" else 2048
    a, b = torch.randn(n, n, device=device, dtype=kind), torch.randn(n, n, device=device, dtype=kind)
    best = float("inf")
    for _ in range(6):
        start = time.perf_counter()
        a @ b
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return 2 * n**3 / best / 1e9


def loader(profile: Profile):
    """Batches out of the training loop's own dataset and sampler, over arrays on disk like a prepared corpus's."""
    import tempfile
    from pathlib import Path

    import pandas as pd

    from amdd.clips import ClipDataset, balanced_sampler
    from amdd.prepare import Prepared

    p, n = profile.preparation, 64
    folder = Path(tempfile.mkdtemp(prefix="amdd-benchmark-"))
    (folder / "shards").mkdir()
    rng = np.random.default_rng(0)
    np.save(
        folder / "shards" / "00000.frames.npy",
        rng.integers(0, 255, (n, p.frames, p.size, p.size, 3), np.uint8),
    )
    np.save(folder / "shards" / "00000.mel.npy", rng.uniform(-1, 1, (n, *shape_of(p))).astype(np.float16))
    names = ("real", *profile.model.generators)
    manifest = pd.DataFrame(
        {
            "clip_id": [str(k) for k in range(n)], "shard": 0, "row": range(n), "label": [int(k % 4 > 0) for k in range(n)],
            "generator": [names[k % 4] for k in range(n)], "audio_present": True,
        }
    )  # fmt: skip
    prepared = Prepared(folder, manifest, pd.DataFrame(), p, {})
    dataset = ClipDataset(prepared, None, p, profile.model.generators, augment=True)
    sampler = balanced_sampler(dataset, n=10_000, seed=0)
    order, size = list(sampler), profile.training.batch_size

    def batches(k):
        return collate([dataset[i] for i in order[k * size : (k + 1) * size]])

    return batches


def memory_of(what: str, profile: str) -> float:
    """Peak resident memory, in MB, of a process that takes three steps."""
    run = subprocess.run(
        [sys.executable, __file__, "--profile", profile, "--memory", what],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(run.stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--profile", default="demo")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--compile", action="store_true", help="also compiled; needs a C++ compiler")
    parser.add_argument("--out", default="training_step")
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    args = parser.parse_args()
    profile, device = load_profile(args.profile), choose_device("auto")
    precision, reason = choose_precision("auto", device)
    batch = batch_of(profile, np.random.default_rng(0))
    if args.memory:
        import resource

        step = (bare_step if args.memory == "bare" else amdd_step)(profile, device, precision)
        for _ in range(3):
            step(batch)
        peak = (
            torch.cuda.max_memory_allocated() / 1e6
            if device.type == "cuda"
            else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        )
        print(peak)
        return
    fixed, loaded = (lambda k: batch), loader(profile)
    other = "fp32" if precision == "bf16" else "bf16"
    kinds = {
        "bare backbones": (bare_step(profile, device, precision), fixed),
        "AMDD": (amdd_step(profile, device, precision), fixed),
        "AMDD with the loader": None,
        f"AMDD in {other}": (amdd_step(profile, device, other), fixed),
        "AMDD without channels-last": (amdd_step(profile, device, precision, channels_last=False), fixed),
    }
    kinds["AMDD with the loader"] = (kinds["AMDD"][0], loaded)
    if args.compile:
        kinds["AMDD compiled"] = (amdd_step(profile, device, precision, compiled=True), fixed)
    for step, batches in kinds.values():
        timed(step, batches, device, 3)  # warm
    times = {name: [] for name in kinds}
    for _ in range(args.rounds):
        for name, (step, batches) in kinds.items():
            times[name].append(timed(step, batches, device, args.steps))
    middle = {name: float(np.median(t)) for name, t in times.items()}
    frames = profile.training.batch_size * profile.preparation.frames
    numbers = {}
    for name, seconds in middle.items():
        key = name.lower().replace(" ", "_").replace("-", "_")
        numbers[f"{key}.ms"] = {"value": round(1000 * seconds, 1), "n": args.rounds, "unit": "ms"}
    numbers["ratio.backbones"] = {
        "value": round(middle["AMDD"] / middle["bare backbones"], 3),
        "n": args.rounds,
    }
    numbers["ratio.loader"] = {
        "value": round(middle["AMDD with the loader"] / middle["AMDD"], 3),
        "n": args.rounds,
    }
    numbers["frames_a_second"] = {"value": round(frames / middle["AMDD"], 1), "n": args.rounds}
    for kind in ("float32", "bfloat16"):
        numbers[f"matmul.{kind}"] = {
            "value": round(matmul_peak(device, getattr(torch, kind)), 1),
            "unit": "GFLOP/s",
        }
    numbers["memory.bare"] = {"value": round(memory_of("bare", args.profile)), "unit": "MB"}
    numbers["memory.amdd"] = {"value": round(memory_of("amdd", args.profile)), "unit": "MB"}
    if device.type == "cuda":
        steps = 50 * 1344 / profile.training.batch_size
        numbers["projection.paper_hours"] = {
            "value": round(steps * middle["AMDD with the loader"] / 3600, 2),
            "unit": "h",
        }
    record = {
        "profile": args.profile, "device": torch.cuda.get_device_name() if device.type == "cuda" else platform.machine(),
        "threads": torch.get_num_threads(), "precision": precision, "precision_reason": reason, "torch": torch.__version__,
        "steps": args.steps, "spread": {k: [round(1000 * x, 1) for x in v] for k, v in times.items()}, "numbers": numbers,
    }  # fmt: skip
    write_text(PROJECT / "benchmarks" / "results" / f"{args.out}.json", json.dumps(record, indent=1) + "\n")
    for key, number in numbers.items():
        print(f"{key:40s} {number['value']:>10} {number.get('unit', '')}")


if __name__ == "__main__":
    main()
