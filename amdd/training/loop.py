"""Algorithm 1: the loop that trains AMDD.

Every random draw (batch order, augmentation, dropout) is a function of seed, epoch and step, never of what went
before. So a run that was killed goes on from its last state and ends with the very weights of an uninterrupted
one. Under ``torchrun`` each process takes its share of every batch, and losses and batch normalisation see the whole
of it (:mod:`amdd.base.distributed`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import math
import shutil
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from tqdm import tqdm

from amdd.base.distributed import join, synchronised
from amdd.base.lock import exclusive
from amdd.base.paths import remove_parts, write_text
from amdd.data.dataset import ClipDataset, balanced_sampler, generators_of, inputs_of
from amdd.data.prepare import ClipStore
from amdd.model import AMDD
from amdd.model.losses import Objective
from amdd.profiles import Profile
from amdd.training.checkpoint import State
from amdd.training.frozen import FOLDER, frozen_maps, standardise
from amdd.training.gradients import gradient_norms
from amdd.training.optimiser import loader_of, optimiser_of, schedule_of
from amdd.training.outcome import TERMS, Diverged, close_epoch, finish
from amdd.training.runs import Run, choose_device, choose_precision, config_of, load_run
from amdd.training.variants import variant_profile

log = logging.getLogger("amdd")

REAL_SHARE = {"halves": 0.5, "classes": None}  # of what the sampler draws, by `training.sampler`
SAVE_EVERY = 60.0  # seconds between states within an epoch


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

    Returns the finished run; at once if ``run_dir`` holds it already with the same configuration and data and its
    weights load. Resumes what was interrupted. Raises ``ValueError`` when there is nothing to train or choose on or
    when the processes can't share a batch evenly, :class:`Diverged` when the loss is no longer finite, and
    :class:`~amdd.base.lock.Busy` while another process trains in ``run_dir``.
    """
    run_dir = Path(run_dir)
    profile = variant_profile(profile, variant)
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
    rank, world = join()
    if profile.training.batch_size % world:
        raise ValueError(
            f"{world} processes can't share batches of {profile.training.batch_size} evenly; set training.batch_size"
        )
    with exclusive(run_dir, "name another folder") if rank == 0 else nullcontext():
        finished = None
        if rank == 0:
            finished = _finished(run_dir, config)
            if finished is None:
                remove_parts(run_dir)
                write_text(run_dir / "config.json", json.dumps(config, indent=1) + "\n")
        if world > 1:
            # The first process alone tidies the folder: another would remove what the first is writing.
            dist.barrier()
        if rank > 0:
            finished = _finished(run_dir, config)
        if finished is not None:
            return finished
        _loop(profile, prepared, rows, run_dir, seed, config, progress, save_every, rank, world)
    return load_run(run_dir)


def _finished(run_dir: Path, config: dict[str, Any]) -> Run | None:
    """Return the run in ``run_dir`` if it is finished and of this configuration; what is of another or damaged is removed."""
    try:
        old = json.loads((run_dir / "config.json").read_text(encoding="utf-8"))["hash"]
    except (OSError, ValueError, KeyError, TypeError):
        old = ""
    if old != config["hash"]:
        shutil.rmtree(run_dir / "state", ignore_errors=True)
        (run_dir / "run.json").unlink(missing_ok=True)
    if not (run_dir / "run.json").is_file():
        return None
    try:
        run = load_run(run_dir)
        len(run.history)
        return run
    except (ValueError, KeyError, TypeError, OSError) as error:
        log.warning("%s is finished but can't be loaded (%s); it is trained again", run_dir.name, error)
        (run_dir / "run.json").unlink(missing_ok=True)
        shutil.rmtree(run_dir / "state", ignore_errors=True)
        return None


def _loop(profile, prepared, rows, run_dir, seed, config, progress, save_every, rank, world) -> None:
    s = profile.training
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

    maps = {
        name: frozen_maps(model, prepared, part, run_dir.parent / FOLDER, device, progress and rank == 0)
        for name, part in rows.items()
    }
    standardise(model, maps["train"])
    dataset = ClipDataset(
        prepared,
        rows["train"],
        profile.preparation,
        profile.model.generators,
        s.augment,
        seed,
        draw=s.draw_frames,
        shuffle=s.loss.attribution_labels == "shuffled",
        maps=maps["train"],
        device="cpu" if s.workers else device,  # loader processes have no part in the device
    )
    steps_per_epoch = max(1, len(dataset) // s.batch_size)
    sampler = balanced_sampler(
        dataset, n=steps_per_epoch * s.batch_size, seed=seed, real_share=REAL_SHARE[s.sampler]
    )
    total = s.epochs * steps_per_epoch
    schedule = schedule_of(optimiser, total, s.warmup)

    state = State(run_dir / "state", model, objective, optimiser, schedule)
    at = state.load(len(TERMS))
    precision, why = at.setdefault("precision", [precision, why])  # a resumed run keeps its arithmetic
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
            if s.gradients and step == 0 and world == 1:
                at["gradients"] = gradient_norms(model, objective, batch, device)
            for group, rate in zip(optimiser.param_groups, schedule.get_last_lr()):
                group["lr"] = rate
            try:
                terms = training_step(runner, objective, optimiser, batch, device, precision, s.clip_norm)
            except FloatingPointError as error:
                what = f"at step {at['step'] + 1} (epoch {epoch + 1}) the loss is not finite: {error}"
                if rank == 0:
                    at["seconds"] = seconds_before + time.time() - clock
                    state.save(at)
                raise Diverged(run_dir, what, schedule.get_last_lr()[0]) from None
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
            close_epoch(
                profile,
                prepared,
                rows["val"],
                model,
                at,
                epoch=epoch,
                steps=steps_per_epoch,
                rate=schedule.get_last_lr()[0],
                run_dir=run_dir,
                device=device,
                maps=maps["val"],
            )
            # An epoch of seconds is sooner trained again than written.
            if time.time() - last_save > save_every / 4:
                state.save(at)
                last_save = time.time()
        if world > 1:
            dist.barrier()
    bar.close()
    if rank == 0:
        finish(
            run_dir,
            model,
            at,
            config=config,
            settings=s,
            rows=rows,
            steps=total,
            world=world,
            device=device,
            precision=(precision, why),
        )
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
    """Take lines 4-9 of Algorithm 1 (forward, five losses, backward, clip, step) and return the terms as numbers.

    Raises ``FloatingPointError``, naming the terms, before the step if the loss or the gradient is not finite. The
    centroids move inside the objective, after the losses of the batch were taken.
    """
    if not (model.training and objective.training):  # walking over all modules takes a tenth of a small step
        model.train()
        objective.train()
    moved = {k: v.to(device, non_blocking=True) for k, v in batch.items() if isinstance(v, Tensor)}
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
        outputs = model(*inputs_of(batch, moved))
    terms = objective(outputs, moved)
    optimiser.zero_grad(set_to_none=True)
    terms["total"].backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
    # One wait for the device, not seven, and before the step: it would carry a NaN into every weight.
    *values, norm = torch.stack([*(v.detach() for v in terms.values()), norm]).tolist()
    found = dict(zip(terms, values))
    wrong = [f"{name} {value}" for name, value in found.items() if not math.isfinite(value)]
    if not math.isfinite(found["total"]) or not math.isfinite(norm):
        raise FloatingPointError(", ".join(wrong) or f"norm of the gradient {norm}")
    optimiser.step()
    return found


def _seed_of(seed: int, epoch: int, step: int, rank: int) -> int:
    return int(np.random.SeedSequence([seed, epoch, step, rank]).generate_state(1)[0])


def _data_hash(prepared: ClipStore, rows: dict[str, np.ndarray]) -> str:
    """Return a hash of the prepared clips that were trained on, by content, and of their splits."""
    table = prepared.manifest
    digest = hashlib.sha256()
    for name, chosen in rows.items():
        part = table.iloc[chosen]
        for clip, generator in zip(part["clip_id"], part["generator"]):
            digest.update(f"{name}\t{clip}\t{generator}\n".encode())
    digest.update(str(prepared.record.get("fingerprint", "")).encode())
    return digest.hexdigest()[:16]
