"""The losses against other people's implementations and against loops that nobody could get wrong."""

import math

import pytest
import torch
from pytorch_metric_learning.losses import NTXentLoss
from torch.nn import functional as F
from torchvision.ops import sigmoid_focal_loss

from amdd.model.losses import (
    CentroidBank,
    Objective,
    attribution_loss,
    fingerprint_consistency,
    focal_loss,
    info_nce,
)
from amdd.profiles import LossSettings


def unit(*shape, seed=0, dtype=torch.float32):
    g = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(*shape, generator=g, dtype=torch.float64), dim=-1).to(dtype)


@pytest.mark.parametrize("alpha,gamma", [(0.75, 2.0), (0.25, 0.0), (0.5, 5.0)])
def test_focal_loss_is_torchvisions(alpha, gamma):
    logit = torch.randn(64, generator=torch.Generator().manual_seed(1)) * 4
    target = (torch.arange(64) % 3 == 0).float()
    expected = sigmoid_focal_loss(logit, target, alpha, gamma, reduction="mean")
    torch.testing.assert_close(focal_loss(logit, target, alpha, gamma), expected)


def test_info_nce_is_nt_xent_between_the_two_modalities():
    v, a = unit(12, 16, seed=2), unit(12, 16, seed=3)
    labels = torch.arange(12)
    one = NTXentLoss(temperature=0.07)(v, labels, ref_emb=a, ref_labels=labels.clone())
    two = NTXentLoss(temperature=0.07)(a, labels, ref_emb=v, ref_labels=labels.clone())
    torch.testing.assert_close(info_nce(v, a, 0.07), (one + two) / 2, rtol=1e-4, atol=1e-5)


def naive_fingerprint(v, a, generator, pairs):
    per_generator = []
    for g in sorted(set(generator.tolist())):
        if g <= 0:
            continue
        members = [i for i in range(len(v)) if generator[i] == g]
        cosines = [
            float(sum(v[i][k] * a[j][k] for k in range(v.shape[1])))
            for i in members
            for j in members
            if pairs == "all" or i == j
        ]
        per_generator.append(1 - sum(cosines) / len(cosines))
    return sum(per_generator) / len(per_generator) if per_generator else 0.0


@pytest.mark.parametrize("pairs", ["own", "all"])
@pytest.mark.parametrize("generator", [[0, 1, 1, 2, 3, 3, 3, 0], [0, 0, 0], [2], [-1, 1, -1, 1], [1, 2, 3]])
def test_fingerprint_consistency_is_the_loop(pairs, generator):
    g = torch.tensor(generator)
    v, a = unit(len(g), 8, seed=4), unit(len(g), 8, seed=5)
    found = float(fingerprint_consistency(v, a, g, pairs))
    assert found == pytest.approx(naive_fingerprint(v, a, g, pairs), abs=1e-6)


def test_reals_take_no_part_in_the_fingerprint():
    v = unit(6, 8, seed=6).requires_grad_()
    loss = fingerprint_consistency(v, unit(6, 8, seed=7), torch.tensor([0, 0, 1, 1, 2, 0]))
    (gradient,) = torch.autograd.grad(loss, v)
    assert gradient[[0, 1, 5]].abs().max() == 0
    assert gradient[[2, 3, 4]].abs().min(1).values.max() > 0


def test_centroids_move_as_the_loop_says():
    bank = CentroidBank(2, 4, momentum=0.9)
    expected = {}
    for step in range(5):
        x = torch.randn(6, 4, generator=torch.Generator().manual_seed(step)) * 3
        g = torch.tensor([0, 1, 1, 2, 0, 1]) if step % 2 else torch.tensor([2, 2, 0, 0, -1, 2])
        bank.update(x, g)
        for k in (1, 2):
            rows = [F.normalize(x[i], dim=0) for i in range(6) if g[i] == k]
            if rows:
                mean = sum(rows) / len(rows)
                expected[k] = mean if k not in expected else 0.9 * expected[k] + 0.1 * mean
    for k, value in expected.items():
        torch.testing.assert_close(bank.centroids[k], value)
    assert bank.centroids[0].abs().max() == 0


def test_centroid_loss_is_the_mean_squared_distance():
    bank = CentroidBank(1, 3)
    bank.update(torch.tensor([[1.0, 0, 0]]), torch.tensor([1]))
    loss = bank.loss(torch.tensor([[0.0, 2.0, 0], [5.0, 0, 0], [0, 0, 1.0]]), torch.tensor([1, 1, 0]))
    assert float(loss) == pytest.approx((2 + 0) / 2)


@pytest.mark.parametrize("pairs", ["own", "all"])
@pytest.mark.parametrize("generator", [[0, 1, 1, 2], [0, 0, 0, 0], [2, 2, 2, 2], [-1, 1, 0, 3]])
def test_gradients_are_right_in_float64(generator, pairs):
    g = torch.tensor(generator)
    target = (g != 0).double()
    bank = CentroidBank(3, 5).double()
    bank.update(unit(8, 5, dtype=torch.float64), torch.tensor([1, 1, 2, 2, 3, 3, 0, 0]))

    def all_of(logit, v, a, fused, classes):
        v, a = F.normalize(v, dim=1), F.normalize(a, dim=1)
        return (
            focal_loss(logit, target)
            + info_nce(v, a, 0.5)
            + fingerprint_consistency(v, a, g, pairs)
            + attribution_loss(classes, g)
            + bank.loss(fused, g)
        )

    r = torch.Generator().manual_seed(11)
    shapes = ((4,), (4, 5), (4, 5), (4, 5), (4, 4))
    x = [torch.randn(*s, dtype=torch.float64, requires_grad=True, generator=r) for s in shapes]
    assert torch.autograd.gradcheck(all_of, x)


def naive_info_nce(v, a, temperature):
    def one_way(x, y):
        found = 0.0
        for i in range(len(x)):
            scores = [math.exp(float(x[i] @ y[j]) / temperature) for j in range(len(y))]
            found -= math.log(scores[i] / sum(scores))
        return found / len(x)

    return (one_way(v, a) + one_way(a, v)) / 2


@pytest.mark.parametrize("size", [1, 2, 7])
def test_info_nce_is_the_loop(size):
    v, a = (unit(size, 6, seed=s, dtype=torch.float64) for s in (20, 21))
    assert float(info_nce(v, a)) == pytest.approx(naive_info_nce(v, a, 0.07), abs=1e-12)


def test_identical_and_opposite_projections_are_the_ends_of_the_fingerprint_loss():
    v, g = unit(5, 8, seed=30), torch.tensor([1, 2, 3, 1, 0])
    assert float(fingerprint_consistency(v, v, g)) == pytest.approx(0, abs=1e-6)
    assert float(fingerprint_consistency(v, -v, g)) == pytest.approx(2, abs=1e-6)
    # A clip alone in its generator: both readings are one.
    for one in (torch.tensor([3]), torch.tensor([1, 2, 3])):
        x, y = unit(len(one), 8, seed=31), unit(len(one), 8, seed=32)
        torch.testing.assert_close(
            fingerprint_consistency(x, y, one, "own"), fingerprint_consistency(x, y, one, "all")
        )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_at_the_end_of_their_range_do_not_overflow(dtype):
    logit = torch.tensor([6e4, -6e4, 6e4, -6e4], dtype=dtype, requires_grad=True)
    target = torch.tensor([1.0, 0, 0, 1])
    loss = focal_loss(logit, target)
    assert float(loss.detach()) == pytest.approx((0.25 + 0.75) * float(logit[0].detach()) / 4, rel=1e-6)
    classes = torch.tensor([[6e4, -6e4], [-6e4, 6e4]], dtype=dtype, requires_grad=True)
    v = unit(2, 8).to(dtype).requires_grad_()
    whole = loss + attribution_loss(classes, torch.tensor([1, 1])) + info_nce(v, -v, 0.01)
    whole.backward()
    for x in (logit, classes, v):
        assert torch.isfinite(x.grad).all()
    # The centroids' mean of large embeddings, too: squares of 6e4 leave float16.
    bank = CentroidBank(1, 4)
    bank.update(torch.full((2, 4), 6e4, dtype=dtype), torch.tensor([1, 1]))
    torch.testing.assert_close(bank.centroids[1], torch.full((4,), 0.5))


def test_order_of_clips_does_not_matter():
    g = torch.tensor([0, 1, 1, 2, 3, 0])
    v, a = unit(6, 8, seed=8), unit(6, 8, seed=9)
    order = torch.tensor([3, 5, 0, 1, 4, 2])
    torch.testing.assert_close(info_nce(v, a), info_nce(v[order], a[order]))
    for pairs in ("own", "all"):
        torch.testing.assert_close(
            fingerprint_consistency(v, a, g, pairs),
            fingerprint_consistency(v[order], a[order], g[order], pairs),
        )
    logit, label = torch.randn(6, generator=torch.Generator().manual_seed(1)), (g > 0).float()
    torch.testing.assert_close(focal_loss(logit, label), focal_loss(logit[order], label[order]))
    bank, other = CentroidBank(3, 8), CentroidBank(3, 8)
    bank.update(v, g)
    other.update(v[order], g[order])
    torch.testing.assert_close(bank.centroids, other.centroids)
    torch.testing.assert_close(bank.loss(a, g), bank.loss(a[order], g[order]))


class Outputs:
    def __init__(self, b, dtype=torch.float32):
        g = torch.Generator().manual_seed(b)
        r = lambda *s: (torch.randn(*s, generator=g) * 30).to(dtype).requires_grad_()  # noqa: E731
        self.detection_logit, self.attribution_logits, self.fused = r(b), r(b, 4), r(b, 8)
        self.visual_projection = F.normalize(r(b, 8), dim=1)
        self.audio_projection = F.normalize(r(b, 8), dim=1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("generator", [[1], [0], [0, 0, 0], [1, 2, 3, 1], [-1, 0], [3, 3]])
def test_odd_batches_give_finite_losses_and_gradients(dtype, generator):
    out = Outputs(len(generator), dtype)
    g = torch.tensor(generator)
    batch = {
        "label": (g != 0).float(),
        "generator": g,
        "audio_present": torch.tensor([True] * (len(g) - 1) + [False]),
    }
    objective = Objective(LossSettings(), 3, 8).train()
    for _ in range(2):
        terms = objective(out, batch)
        assert all(math.isfinite(float(v.detach())) for v in terms.values())
    terms["total"].backward()


def test_a_weight_of_zero_switches_a_loss_off():
    out = Outputs(4)
    g = torch.tensor([0, 1, 2, 3])
    batch = {"label": (g != 0).float(), "generator": g, "audio_present": torch.ones(4, dtype=torch.bool)}
    objective = Objective(LossSettings(attribution=0.0), 3, 8)
    objective(out, batch)["total"].backward()
    assert out.attribution_logits.grad is None
    terms = Objective(LossSettings(), 3, 8)(out, batch)
    weights = {"detection": 1, "attribution": 0.3, "contrastive": 0.1, "fingerprint": 0.2, "centroid": 0.05}
    assert float(terms["total"].detach()) == pytest.approx(
        sum(w * float(terms[k].detach()) for k, w in weights.items())
    )


GROUPS = [[0, 1, 2, 3], [0, 0], [2], [-1, 1, 0, -1, 3], [-1, -1], [1, 1, 1]]


@pytest.mark.parametrize("generator", GROUPS)
def test_attribution_loss_is_the_sum_of_its_two_parts(generator):
    """The chain rule of probabilities, for values and gradients: naming all classes is detecting and naming fakes."""
    g = torch.tensor(generator)
    logits = torch.randn(len(g), 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64) * 3
    logits.requires_grad_()
    parts = [attribution_loss(logits, g, target) for target in ("binary", "generators")]
    whole = attribution_loss(logits, g)
    torch.testing.assert_close(parts[0] + parts[1], whole)
    gradients = [torch.autograd.grad(x, logits, retain_graph=True)[0] for x in (parts[0] + parts[1], whole)]
    torch.testing.assert_close(*gradients)


def test_binary_part_is_the_cross_entropy_of_the_summed_probability_and_sees_no_generator():
    logits = torch.randn(6, 4, generator=torch.Generator().manual_seed(4)) * 3
    g = torch.tensor([0, 1, 2, 3, 3, 0])
    fake = 1 - torch.softmax(logits, 1)[:, 0]
    expected = F.binary_cross_entropy(fake, (g > 0).float())
    torch.testing.assert_close(attribution_loss(logits, g, "binary"), expected)
    others = torch.tensor([0, 3, 1, 2, 1, 0])
    torch.testing.assert_close(attribution_loss(logits, others, "binary"), expected)


def test_generators_part_is_blind_to_reals_and_to_the_logit_of_real():
    logits = torch.randn(5, 4, generator=torch.Generator().manual_seed(5)).requires_grad_()
    attribution_loss(logits, torch.tensor([0, 1, 2, 3, -1]), "generators").backward()
    assert not logits.grad[:, 0].any() and not logits.grad[0].any() and not logits.grad[4].any()
    assert logits.grad[1:4, 1:].abs().min() > 0
    with pytest.raises(ValueError, match="classes, binary, generators"):
        attribution_loss(logits, torch.tensor([0, 1, 2, 3, -1]), "names")


def test_shuffled_labels_reach_the_attribution_loss_alone():
    out, g = Outputs(4), torch.tensor([0, 1, 2, 3])
    batch = {"label": (g != 0).float(), "generator": g, "audio_present": torch.ones(4, dtype=torch.bool)}
    objective = Objective(LossSettings(), 3, 8)
    true, other = objective(out, batch), objective(out, batch | {"named": torch.tensor([0, 2, 3, 1])})
    assert {k for k in true if not torch.equal(true[k], other[k])} == {"attribution", "total"}
    expected = attribution_loss(out.attribution_logits, torch.tensor([0, 2, 3, 1]))
    torch.testing.assert_close(other["attribution"], expected)


def test_contrastive_loss_of_reals_alone():
    out, g = Outputs(5), torch.tensor([0, 1, 0, 3, 0])
    batch = {"label": (g != 0).float(), "generator": g, "audio_present": torch.tensor([True] * 4 + [False])}
    terms = Objective(LossSettings(contrastive_clips="real"), 3, 8)(out, batch)
    expected = info_nce(out.visual_projection[[0, 2]], out.audio_projection[[0, 2]])
    torch.testing.assert_close(terms["contrastive"], expected)


TWO = """
import copy, types
import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F
from amdd.model.losses import Objective
from amdd.base.distributed import synchronised
from amdd.profiles import LossSettings

class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(8, n) for n in (6, 6, 10, 1, 4)])
    def forward(self, x):
        v, a, z, d, c = (layer(x) for layer in self.layers)
        return F.normalize(v, dim=1), F.normalize(a, dim=1), z, d[:, 0], c

def gradients(x, label, generator, heard, wrap):
    torch.manual_seed(0)
    model = Small().double()
    run = nn.parallel.DistributedDataParallel(model) if wrap else model
    objective = Objective(LossSettings(), 3, 10).double()
    for _ in range(2):  # the second pass has centroids to be pulled to
        model.zero_grad()
        v, a, z, d, c = run(x)
        outputs = types.SimpleNamespace(visual_projection=v, audio_projection=a, fused=z, detection_logit=d, attribution_logits=c)
        batch = {"label": label, "generator": generator, "audio_present": heard}
        terms = objective(outputs, batch)
        terms["total"].backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()]), terms

torch.manual_seed(1)
x = torch.randn(8, 8, dtype=torch.float64)
generator = torch.tensor([0, 0, -1, 1, 2, 2, 1, 3])  # one unknown, one without sound: unequal shares of some losses
label = (generator != 0).double()
heard = torch.arange(8) != 4
alone, terms = gradients(x, label, generator, heard, False)
dist.init_process_group("gloo")
r = dist.get_rank()
shared, mine = gradients(x[r::2], label[r::2], generator[r::2], heard[r::2], True)
assert torch.allclose(alone, shared, rtol=1e-10, atol=1e-12), float((alone - shared).abs().max())
for name in terms:
    assert torch.allclose(terms[name], mine[name], rtol=1e-12), name

# Batch normalisation: of unequal shares, one of them empty, and its gradients.
for shares in ([slice(0, 5), slice(5, 8)], [slice(0, 0), slice(0, 8)]):
    torch.manual_seed(2)
    plain = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)).double()
    pictures, wish = torch.randn(8, 2, 6, 6, dtype=torch.float64), torch.randn(8, 3, 4, 4, dtype=torch.float64)
    several = synchronised(copy.deepcopy(plain), torch.device("cpu"))
    whole = plain(pictures)
    (whole * wish).sum().backward()
    part = several(pictures[shares[r]])
    (part * wish[shares[r]]).sum().backward()
    assert torch.allclose(part, whole[shares[r]], rtol=1e-9, atol=1e-12)
    for p, q in zip(plain.parameters(), several.parameters()):
        dist.all_reduce(q.grad)
        assert torch.allclose(p.grad, q.grad, rtol=1e-8, atol=1e-9)
    for p, q in zip(plain.buffers(), several.buffers()):
        assert torch.allclose(p.double(), q.double(), rtol=1e-9)
    several.eval(), plain.eval()
    assert torch.equal(several(pictures).isnan(), plain(pictures).isnan())
dist.destroy_process_group()
"""


def test_two_processes_have_the_gradients_of_the_whole_batch(tmp_path):
    import os
    import subprocess
    import sys

    script = tmp_path / "two.py"
    script.write_text(TWO)
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        str(script),
    ]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
