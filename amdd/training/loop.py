"""Algorithm 1: the loop that trains AMDD.

Every random draw (batch order, augmentation, dropout) is a function of seed, epoch and step, never of what went
before. So a run that was killed goes on from its last state and ends with the very weights of an uninterrupted
one. Under ``torchrun`` each process takes its share of every batch, and losses and batch normalisation see the whole
of it (:mod:`amdd.base.distributed`).
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from amdd.base.distributed import join, synchronised
from amdd.base.environment import environment
from amdd.base.machine import peak_memory_mb
from amdd.base.paths import atomic, write_text
from amdd.data.dataset import ClipDataset, balanced_sampler, collate, generators_of, inputs_of
from amdd.data.prepare import ClipStore
from amdd.model import AMDD
from amdd.model.losses import Objective
from amdd.profiles import Profile, TrainingSettings
from amdd.stats import auc, balanced_accuracy
from amdd.training.checkpoint import State
from amdd.training.inference import scores_of
from amdd.training.runs import (
    Run,
    choose_device,
    choose_precision,
    config_of,
    load_run,
    load_weights,
    save_weights,
    write_record,
)

# Table V's variants: each is a weight set to zero.
VARIANTS: dict[str, dict[str, float]] = {
    "full": {},
    "without_attribution": {"attribution": 0.0},
    "without_fingerprint": {"fingerprint": 0.0},
    "without_contrastive": {"contrastive": 0.0},
}
TERMS = ("detection", "attribution", "contrastive", "fingerprint", "centroid", "total")
REAL_SHARE = {"halves": 0.5, "classes": None}  # of what the sampler draws, by `training.sampler`
SAVE_EVERY = 60.0  # seconds between states within an epoch


def variant_profile(profile: Profile, variant: str) -> Profile:
    """``profile`` with the loss weights of one of Table V's variants."""
    if variant not in VARIANTS:
        raise ValueError(f"no variant {variant!r}; expected one of: {', '.join(VARIANTS)}")
    loss = dataclasses.replace(profile.training.loss, **VARIANTS[variant])
    return dataclasses.replace(profile, training=dataclasses.replace(profile.training, loss=loss))


def train(
    profile: Profile,
    prepared: ClipStore,
    run_dir: str | Path,
    seed: int | None = None,
    variant: str = "full",
    progress: bool = True,
    save_every: float = SAVE_EVERY,
) -> Run:
    """Train one variant on the ``train`` rows of ``prepared``, choosing the epoch on its ``val`` rows.

    Returns the finished run; at once if ``run_dir`` holds it already with the same configuration and data.
    Resumes what was interrupted. Raises ``ValueError`` when there is nothing to train or choose on, or when the
    processes can't share a batch evenly.
    """
    run_dir = Path(run_dir)
    profile = variant_profile(profile, variant)
    if profile.training.sampler not in REAL_SHARE:
        raise ValueError(f"no sampler {profile.training.sampler!r}; expected one of: {', '.join(REAL_SHARE)}")
    seed = profile.training.seed if seed is None else seed
    table = prepared.manifest
    rows = {name: np.flatnonzero((table["split"] == name).to_numpy()) for name in ("train", "val")}
    if not len(rows["train"]) or not len(rows["val"]):
        raise ValueError(
            "the prepared corpus has no clips in 'train' or in 'val'; assign splits before preparing"
        )
    names = generators_of(table, profile.model.generators)
    profile = dataclasses.replace(profile, model=dataclasses.replace(profile.model, generators=names))
    data = _data_hash(prepared, rows)
    config = config_of(profile, variant, seed, data)
    old = run_dir / "config.json"
    if old.is_file() and json.loads(old.read_text(encoding="utf-8"))["hash"] != config["hash"]:
        shutil.rmtree(run_dir / "state", ignore_errors=True)
        (run_dir / "run.json").unlink(missing_ok=True)
    elif (run_dir / "run.json").is_file():
        return load_run(run_dir)
    write_text(old, json.dumps(config, indent=1) + "\n")
    _loop(profile, prepared, rows, run_dir, seed, config, progress, save_every)
    return load_run(run_dir)


def _loop(profile, prepared, rows, run_dir, seed, config, progress, save_every) -> None:
    s = profile.training
    rank, world = join()
    if s.batch_size % world:
        raise ValueError(
            f"{world} processes can't share batches of {s.batch_size} evenly; set training.batch_size"
        )
    device = choose_device(s.device)
    precision, why = choose_precision(s.precision, device)
    torch.manual_seed(seed)
    model = AMDD(profile.model).to(device)
    if s.channels_last:
        model = model.to(memory_format=torch.channels_last)
    objective = Objective(s.loss, len(profile.model.generators), 2 * profile.model.dim).to(device)
    optimiser = optimiser_of(model, s, device)
    if world > 1:
        model = synchronised(model, device)
    runner: nn.Module = torch.compile(model) if s.compile else model
    if world > 1:
        runner = nn.parallel.DistributedDataParallel(runner, find_unused_parameters=True)

    dataset = ClipDataset(
        prepared, rows["train"], profile.preparation, profile.model.generators, s.augment, seed
    )
    steps_per_epoch = max(1, len(dataset) // s.batch_size)
    sampler = balanced_sampler(
        dataset, n=steps_per_epoch * s.batch_size, seed=seed, real_share=REAL_SHARE[s.sampler]
    )
    total = s.epochs * steps_per_epoch
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, total)

    state = State(run_dir / "state", model, objective, optimiser, schedule)
    at = state.load(len(TERMS))
    clock, last_save, seconds_before = time.time(), time.time(), at["seconds"]
    bar = tqdm(
        total=total,
        initial=at["step"],
        desc=f"training {run_dir.name}",
        unit="step",
        mininterval=5,
        disable=not progress or rank > 0,
    )
    for epoch in range(at["step"] // steps_per_epoch, s.epochs):
        first = at["step"] - epoch * steps_per_epoch
        for step, batch in enumerate(loader_of(dataset, sampler, s, epoch, first, rank, world), start=first):
            torch.manual_seed(_seed_of(seed, epoch, step, rank))
            optimiser.param_groups[0]["lr"] = schedule.get_last_lr()[0]
            terms = training_step(runner, objective, optimiser, batch, device, precision, s.clip_norm)
            schedule.step()
            at["step"] += 1
            at["sums"] = [a + terms[k] for a, k in zip(at["sums"], TERMS)]
            bar.update(1)
            bar.set_postfix({k[:5]: f"{terms[k]:.3f}" for k in ("total", *TERMS[:4])}, refresh=False)
            if time.time() - last_save > save_every and rank == 0 and step + 1 < steps_per_epoch:
                at["seconds"] = seconds_before + time.time() - clock
                state.save(at)
                last_save = time.time()
        at["seconds"] = seconds_before + time.time() - clock
        if rank == 0:
            _close_epoch(
                profile,
                prepared,
                rows,
                model,
                at,
                epoch,
                steps_per_epoch,
                schedule,
                run_dir,
                precision,
                device,
            )
            state.save(at)
            last_save = time.time()
        if world > 1:
            dist.barrier()
    bar.close()
    if rank == 0:
        _finish(run_dir, model, at, config, s, rows, total, world, device, (precision, why))
    if world > 1:
        dist.barrier()


def training_step(
    model: nn.Module,
    objective: Objective,
    optimiser: torch.optim.Optimizer,
    batch: dict[str, Any],
    device: torch.device,
    precision: str,
    clip_norm: float,
) -> dict[str, float]:
    """Lines 4-9 of Algorithm 1: forward, five losses, backward, clip, step; the terms as numbers.

    The centroids move inside the objective, after the losses of the batch were taken.
    """
    model.train()
    objective.train()
    moved = {k: v.to(device, non_blocking=True) for k, v in batch.items() if isinstance(v, Tensor)}
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
        outputs = model(*inputs_of(batch, moved))
    terms = objective(outputs, moved)
    optimiser.zero_grad(set_to_none=True)
    terms["total"].backward()
    nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
    optimiser.step()
    values = torch.stack([v.detach() for v in terms.values()]).tolist()  # one wait for the device, not six
    return dict(zip(terms, values))


def optimiser_of(model: nn.Module, s: TrainingSettings, device: torch.device) -> torch.optim.Optimizer:
    """AdamW over all parameters."""
    return torch.optim.AdamW(model.parameters(), s.learning_rate, weight_decay=s.weight_decay)


def loader_of(
    dataset, sampler, s: TrainingSettings, epoch: int, first: int = 0, rank: int = 0, world: int = 1
):
    """Batches of one epoch from step ``first`` on; each process gets its share of every batch."""
    dataset.set_epoch(epoch)
    sampler.set_epoch(epoch)
    order = list(sampler)
    batches = [order[i : i + s.batch_size] for i in range(0, len(order), s.batch_size)]
    mine = [b[rank::world] for b in batches[first:]]
    return DataLoader(
        dataset,
        batch_sampler=mine,
        num_workers=s.workers,
        collate_fn=collate,
        pin_memory=torch.cuda.is_available(),
    )


def _close_epoch(
    profile, prepared, rows, model, at, epoch, steps, schedule, run_dir, precision, device
) -> None:
    """Validation figures, history row, and the best weights so far."""
    s = profile.training
    found = scores_of(model, prepared, rows["val"], profile, device, precision)
    label, logit = found["label"], found["logit"]
    loss = float(np.mean(np.logaddexp(0, np.where(label == 1, -logit, logit))))
    row = {
        "epoch": epoch + 1,
        **{k: v / steps for k, v in zip(TERMS, at["sums"])},
        "validation_auc": auc(label, logit),
        "validation_balanced_accuracy": balanced_accuracy(label, logit > 0),
        "validation_loss": loss,
        "learning_rate": schedule.get_last_lr()[0],
        "seconds": round(at["seconds"], 2),
    }
    at["history"].append(row)
    at["sums"] = [0.0] * len(TERMS)
    value = {"validation_auc": row["validation_auc"], "validation_loss": -loss, "last": float(epoch)}.get(
        s.selection
    )
    if value is None:
        raise ValueError(
            f"training.selection is validation_auc, validation_loss or last, not {s.selection!r}"
        )
    key = [value if np.isfinite(value) else -1.0, -loss]
    if at["best"] is None or key > at["best"]:
        at["best"], at["best_epoch"] = key, epoch + 1
        save_weights(model, run_dir / "state" / "best.safetensors", {})


def _finish(run_dir, model, at, config, s, rows, steps, world, device, precision) -> None:
    """The kept weights, the history and the record; then the state is no longer needed."""
    load_weights(model, run_dir / "state" / "best.safetensors")
    save_weights(
        model, run_dir / "weights.safetensors", {"variant": config["variant"], "config": config["hash"]}
    )
    with atomic(run_dir / "history.parquet") as temporary:
        pd.DataFrame(at["history"]).to_parquet(temporary)
    write_record(
        run_dir,
        {
            "variant": config["variant"],
            "seed": config["seed"],
            "config": config["hash"],
            "data": config["data"],
            "weights": model.provenance,
            "device": _device_name(device),
            "processes": world,
            "precision": precision[0],
            "precision_reason": precision[1],
            "selection": s.selection,
            "best_epoch": at["best_epoch"],
            "epochs": s.epochs,
            "steps": steps,
            "clips": {k: len(v) for k, v in rows.items()},
            "parameters": sum(p.numel() for p in model.parameters()),
            "seconds": round(at["seconds"], 1),
            "peak_memory_mb": peak_memory_mb(),
            **environment(),
        },
    )
    shutil.rmtree(run_dir / "state", ignore_errors=True)


def _seed_of(seed: int, epoch: int, step: int, rank: int) -> int:
    return int(np.random.SeedSequence([seed, epoch, step, rank]).generate_state(1)[0])


def _data_hash(prepared: ClipStore, rows: dict[str, np.ndarray]) -> str:
    """Return a hash of the prepared clips that were trained on, by content, and of their splits."""
    import hashlib

    table = prepared.manifest
    digest = hashlib.sha256()
    for name, chosen in rows.items():
        part = table.iloc[chosen]
        for clip, generator in zip(part["clip_id"], part["generator"]):
            digest.update(f"{name}\t{clip}\t{generator}\n".encode())
    digest.update(str(prepared.record.get("fingerprint", "")).encode())
    return digest.hexdigest()[:16]


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
