"""What a training step of AMDD costs, beside the bare backbones on the same tensors, which is the limit.

    python benchmarks/training_step.py [--profile demo] [--set model.visual_backbone=resnet50] [--steps 8] [--rounds 5]

In turns, so that whatever else the machine does falls on all alike: forward, loss, backward, clipping and optimiser
step of

- the bare backbones: the two trunks, each with a mean and one linear layer, one loss, the same optimiser and clipping;
- AMDD as it is trained, on one fixed batch and fed by the training loop's own loader;
- the visual trunk alone, as torchvision's classifier on the same number of pictures: its own training rate;
- AMDD in bf16 and fp32, with and without channels-last, and compiled, where a C++ compiler works.

Ratios are taken within a round; what is told is the median over rounds with its smallest and largest value. Beside
them: the machine's measured peak in matrix products, the share of it that a step reaches, and the peak memory of each
network in a process of its own. On a GPU also, as a projection from the measured rate, the paper's 50 epochs on 1,344
clips. Writes ``benchmarks/results/<out>.json``; there is no figure for a machine on which it was not run.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from amdd.base.machine import peak_memory_mb
from amdd.base.paths import PROJECT, write_text
from amdd.data.dataset import ClipDataset, balanced_sampler, collate
from amdd.data.prepare import Prepared
from amdd.data.spectrograms import shape_of
from amdd.model import AMDD
from amdd.model.backbones import Trunk
from amdd.model.losses import Objective
from amdd.profiles import Profile, load_profile, replaced
from amdd.training import loader_of, optimiser_of, training_step
from amdd.training.runs import choose_device, choose_precision

# A backbone that is trained whole, as the study does it.
WHOLE = ("model.visual_blocks=0", "model.visual_frozen=0", "model.visual_cells=1", "preparation.size=112")
WHOLE += ("model.audio_backbone=resnet18", "model.audio_blocks=0", "model.audio_frozen=0")


class Bare(nn.Module):
    """The two trunks with one linear layer each: what no network with these backbones can do without."""

    def __init__(self, profile: Profile) -> None:
        super().__init__()
        self.visual = Trunk(profile.model.visual_backbone, "random")
        self.audio = Trunk(profile.model.audio_backbone, "random", channels=1)
        self.heads = nn.ModuleList([nn.Linear(self.visual.width, 1), nn.Linear(self.audio.width, 1)])

    def forward(self, frames, mel):
        seen = self.heads[0](self.visual(frames.flatten(0, 1)).mean((2, 3))).view(*frames.shape[:2]).mean(1)
        return seen + self.heads[1](self.audio(mel).mean((2, 3)))[:, 0]


def plain_step(model, inputs, target, profile, device, precision):
    """A step of any network with one logit per row of ``target(batch)``."""
    model = model.to(device, memory_format=torch.channels_last).train()
    optimiser = optimiser_of(model, profile.training, device)

    def step(batch):
        moved = {k: v.to(device) for k, v in batch.items() if isinstance(v, torch.Tensor)}
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            logit = model(*inputs(moved))
        loss = nn.functional.binary_cross_entropy_with_logits(logit.float(), target(moved))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        return float(loss.detach())

    return step


def bare_step(profile, device, precision):
    torch.manual_seed(0)
    return plain_step(
        Bare(profile),
        lambda b: (b["frames"], b["mel"]),
        lambda b: b["label"],
        profile,
        device,
        precision,
    )


def classifier_step(profile, device, precision):
    """torchvision's own classifier, a thousand classes, on every frame of the batch."""
    torch.manual_seed(0)
    return plain_step(
        torchvision.models.get_model(profile.model.visual_backbone, weights=None),
        lambda b: (b["frames"].flatten(0, 1),),
        lambda b: torch.zeros(b["frames"].shape[0] * b["frames"].shape[1], 1000, device=device),
        profile,
        device,
        precision,
    )


def amdd_step(profile, device, precision, channels_last=True, compiled=False):
    torch.manual_seed(0)
    model = AMDD(replaced(profile, {"model.weights": "random"}).model).to(device)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    objective = Objective(profile.training.loss, len(profile.model.classes) - 1, 2 * profile.model.dim).to(
        device
    )
    optimiser = optimiser_of(model, profile.training, device)
    runner = torch.compile(model) if compiled else model
    return lambda batch: training_step(runner, objective, optimiser, batch, device, precision, 1.0)


def timed(step, batches, device, steps: int) -> float:
    """Seconds a step, over ``steps`` of them."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(steps):
        step(next(batches))
    if device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / steps


def matmul_peak(device, kind) -> float:
    """Billions of operations a second in a large matrix product, the best of several."""
    n = 8192 if device.type == "cuda" else 2048
    a, b = (torch.randn(n, n, device=device).to(kind) for _ in range(2))
    best = math.inf
    for _ in range(8):
        if device.type == "cuda":
            torch.cuda.synchronize()
        start = time.perf_counter()
        a @ b
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return 2 * n**3 / best / 1e9


def corpus(profile: Profile, folder: Path, n: int = 64) -> Prepared:
    """Arrays on disk in the form of a prepared corpus."""
    p, rng = profile.preparation, np.random.default_rng(0)
    (folder / "shards").mkdir()
    frames = rng.integers(0, 255, (n, p.frames, p.size, p.size, 3), np.uint8)
    np.save(folder / "shards" / "00000.frames.npy", frames)
    np.save(folder / "shards" / "00000.mel.npy", rng.uniform(-1, 1, (n, *shape_of(p))).astype(np.float16))
    names = profile.model.classes
    manifest = pd.DataFrame(
        {
            "clip_id": [str(k) for k in range(n)], "shard": 0, "row": range(n), "label": [int(k % len(names) > 0) for k in range(n)],
            "generator": [names[k % len(names)] for k in range(n)], "audio_present": True,
        }
    )  # fmt: skip
    return Prepared(folder, manifest, pd.DataFrame(), p, {})


def loaded(profile: Profile, prepared: Prepared):
    """Batches without end, out of the training loop's own dataset, sampler and loader."""
    dataset = ClipDataset(prepared, None, profile.preparation, profile.model.classes[1:], augment=True)
    sampler = balanced_sampler(dataset, n=400 * profile.training.batch_size, seed=0)
    epoch = 0
    while True:
        yield from loader_of(dataset, sampler, profile.training, epoch)
        epoch += 1


def fixed(profile: Profile, prepared: Prepared):
    """The same batch without end."""
    dataset = ClipDataset(prepared, None, profile.preparation, profile.model.classes[1:])
    batch = collate([dataset[k] for k in range(profile.training.batch_size)])
    while True:
        yield batch


def memory_of(what: str, arguments: list[str]) -> float:
    """Peak memory in MB of a process that takes four steps: resident, or allocated on the GPU."""
    command = [sys.executable, __file__, *arguments, "--memory", what]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(run.stdout.split()[-1])


def own_memory(what: str, profile: Profile, device, precision) -> float:
    with tempfile.TemporaryDirectory() as folder:
        batches = fixed(profile, corpus(profile, Path(folder), 8))
        if what != "nothing":
            step = (bare_step if what == "bare" else amdd_step)(profile, device, precision)
            for _ in range(4):
                step(next(batches))
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    return peak_memory_mb()


def why_not_compiled(step, batches) -> str:
    """Empty when a compiled step runs; else the reason in a line. Without a C++ compiler torch.compile can't."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            step(next(batches))
            step(next(batches))
    except Exception as error:  # whatever it is, the other rows are still worth measuring
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"[:300]
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--profile", default="demo")
    parser.add_argument("--set", nargs="*", default=[], help="single values of the profile replaced")
    parser.add_argument("--steps", type=int, default=8, help="steps that a time is taken over")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-compile", action="store_true", help="leave out the compiled rows")
    parser.add_argument("--out", default="training_step")
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    args = parser.parse_args()
    profile, device = load_profile(args.profile, [*WHOLE, *args.set]), choose_device("auto")
    precision, reason = choose_precision(profile.training.precision, device)
    if args.memory:
        print(own_memory(args.memory, profile, device, precision))
        return
    with tempfile.TemporaryDirectory(prefix="amdd-benchmark-") as folder:
        record = measure(args, profile, device, precision, reason, Path(folder))
    write_text(PROJECT / "benchmarks" / "results" / f"{args.out}.json", json.dumps(record, indent=1) + "\n")
    for key, number in record["numbers"].items():
        spread = f"{number['least']:g} to {number['most']:g}" if "least" in number else ""
        print(f"{key:40s} {number['value']:>10} {number.get('unit', ''):9s} {spread}")
    for note in record["notes"]:
        print(note)


def measure(args, profile, device, precision, reason, folder) -> dict:
    prepared, notes = corpus(profile, folder), []
    one = fixed(profile, prepared)
    kinds = {
        "bare": (bare_step(profile, device, precision), one),
        "amdd": (amdd_step(profile, device, precision), one),
        "loader": None,
        "classifier": (classifier_step(profile, device, precision), one),
    }
    kinds["loader"] = (kinds["amdd"][0], loaded(profile, prepared))
    for kind in ("fp32", "bf16"):
        for last in (True, False):
            name = f"{kind}.{'channels_last' if last else 'contiguous'}"
            kinds[name] = (amdd_step(profile, device, kind, last), one)
    if args.no_compile:
        notes.append("compiled rows left out, as asked")
    else:
        for kind in ("fp32", "bf16"):
            step = amdd_step(profile, device, kind, compiled=True)
            if why := why_not_compiled(step, one):
                notes.append(f"compiled rows left out: torch.compile does not work here ({why})")
                break
            kinds[f"{kind}.compiled"] = (step, one)
    with FlopCounterMode(display=False) as counter:
        kinds["amdd"][0](next(one))
    work = counter.get_total_flops()
    for step, batches in kinds.values():
        timed(step, batches, device, 3)  # warm
    times = {name: [] for name in kinds}
    for _ in range(args.rounds):
        for name, (step, batches) in kinds.items():
            times[name].append(timed(step, batches, device, args.steps))
    times = {name: np.array(t) for name, t in times.items()}

    def told(values, digits=1, unit=""):
        values = np.asarray(values, float)
        found = {"value": float(np.median(values)), "least": float(values.min()), "most": float(values.max())}
        return {k: round(v, digits) for k, v in found.items()} | {"rounds": len(values)} | ({"unit": unit} if unit else {})  # fmt: skip

    pictures = profile.training.batch_size * profile.preparation.frames
    numbers = {f"{name}.ms": told(1000 * t, 1, "ms") for name, t in times.items()}
    numbers["ratio.backbones"] = told(times["amdd"] / times["bare"], 3)
    numbers["ratio.loader"] = told(times["loader"] / times["amdd"], 3)
    numbers["ratio.classifier"] = told(times["amdd"] / times["classifier"], 3)
    for name in kinds:
        if "." in name and name != "fp32.contiguous":
            numbers[f"ratio.{name}"] = told(times[name] / times["fp32.contiguous"], 3)
    numbers["pictures_a_second.amdd"] = told(pictures / times["amdd"], 1)
    numbers["pictures_a_second.classifier"] = told(pictures / times["classifier"], 1)
    peaks = {"fp32": matmul_peak(device, torch.float32), "bf16": matmul_peak(device, torch.bfloat16)}
    for kind, peak in peaks.items():
        numbers[f"matmul.{kind}"] = {"value": round(peak, 1), "unit": "GFLOP/s"}
    numbers["work.gflop"] = {"value": round(work / 1e9, 1), "unit": "GFLOP"}
    numbers["share_of_peak"] = told(work / 1e9 / times["amdd"] / peaks[precision], 3)
    given = ["--profile", args.profile, *(["--set", *args.set] if args.set else [])]
    memory = {what: memory_of(what, given) for what in ("nothing", "bare", "amdd")}
    for what, megabytes in memory.items():
        numbers[f"memory.{what}"] = {"value": round(megabytes), "unit": "MB"}
    numbers["memory.ratio"] = {"value": round(memory["amdd"] / memory["bare"], 3)}
    if device.type == "cuda":
        steps = 50 * 1344 / profile.training.batch_size
        numbers["projection.paper_hours"] = told(steps * times["loader"] / 3600, 2, "h")
        notes.append(
            "projection.paper_hours is the measured step times 50 epochs of 1,344 clips; not measured"
        )
    machine = torch.cuda.get_device_name() if device.type == "cuda" else _cpu()
    return {
        "profile": args.profile, "set": args.set, "backbone": profile.model.visual_backbone, "pixels": profile.preparation.size,
        "frames": profile.preparation.frames, "batch": profile.training.batch_size, "workers": profile.training.workers,
        "device": machine, "threads": torch.get_num_threads(), "precision": precision, "precision_reason": reason,
        "python": platform.python_version(), "torch": torch.__version__, "torchvision": torchvision.__version__,
        "rounds": args.rounds, "steps": args.steps, "ratios": "within a round; fp32.contiguous is what the switches are beside",
        "notes": notes, "numbers": numbers,
        "rounds_ms": {name: [round(1000 * float(x), 1) for x in t] for name, t in times.items()},
    }  # fmt: skip


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        return next(
            line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
