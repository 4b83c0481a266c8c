"""Golden values for cresset-losses from torch's functions: sums and gradients, in double precision.

python scripts/golden_losses.py      (needs torch; the version used is in the file)
Writes crates/cresset-losses/tests/golden/losses.json, small and meant to be read.
"""
import json
from pathlib import Path

import torch
import torch.nn.functional as F

OUT = Path(__file__).resolve().parent.parent / "crates/cresset-losses/tests/golden/losses.json"


def drawn(*shape, seed):
    """Numbers of two decimals, so that the file is readable."""
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (values * 150).round() / 100


def case(name, loss, **inputs):
    """The sum of `loss(**inputs)` and its gradient by every input."""
    leaves = {key: value.clone().requires_grad_() for key, value in inputs.items()}
    value = loss(**leaves)
    value.backward()
    return {
        "name": name,
        "inputs": {key: leaf.detach().tolist() for key, leaf in leaves.items()},
        "sum": float(value.detach()),
        "gradients": {key: leaf.grad.tolist() for key, leaf in leaves.items() if leaf.grad is not None},
    }


def focal(gamma, targets, weights=None):
    def loss(logits):
        cross_entropy = F.cross_entropy(logits, targets, reduction="none")
        factor = 1.0 if weights is None else torch.tensor(weights, dtype=torch.float64)[targets]
        return ((1 - torch.exp(-cross_entropy)) ** gamma * cross_entropy * factor).sum()

    return loss


def r_drop(first, second):
    first, second = F.log_softmax(first, -1), F.log_softmax(second, -1)
    there = F.kl_div(first, second, reduction="sum", log_target=True)
    back = F.kl_div(second, first, reduction="sum", log_target=True)
    return (there + back) / 2


def distillation(temperature):
    def loss(student, teacher):
        student = F.log_softmax(student / temperature, -1)
        teacher = F.softmax(teacher.detach() / temperature, -1)
        return F.kl_div(student, teacher, reduction="sum") * temperature**2

    return loss


def info_nce(temperature):
    def loss(anchors, positives, hard_negatives=None):
        candidates = positives if hard_negatives is None else torch.cat([positives, hard_negatives])
        scores = F.cosine_similarity(anchors[:, None], candidates[None], dim=-1) / temperature
        return F.cross_entropy(scores, torch.arange(len(anchors)), reduction="sum")

    return loss


DISTANCES = {
    "cosine": lambda a, b: 1 - F.cosine_similarity(a, b),
    "euclidean": lambda a, b: F.pairwise_distance(a, b, eps=0.0),
    "squared-euclidean": lambda a, b: (a - b).square().sum(-1),
}


def triplet(distance, margin):
    def loss(anchors, positives, negatives):
        return F.triplet_margin_with_distance_loss(
            anchors, positives, negatives, distance_function=DISTANCES[distance], margin=margin, reduction="sum"
        )

    return loss


def cases():
    logits, other = drawn(4, 5, seed=1), drawn(4, 5, seed=2)
    targets = torch.tensor([2, 0, 4, 2])
    a, p, n = drawn(4, 3, seed=3), drawn(4, 3, seed=4), drawn(4, 3, seed=5)
    return [
        case("focal, gamma 0", focal(0.0, targets), logits=logits),
        case("focal, gamma 0.5", focal(0.5, targets), logits=logits),
        case("focal, gamma 2", focal(2.0, targets), logits=logits),
        case("focal, gamma 2, weights", focal(2.0, targets, [0.5, 2.0, 1.5, 1.0, 0.25]), logits=logits),
        case("z-loss", lambda logits: 1e-2 * torch.logsumexp(logits, -1).square().sum(), logits=logits),
        case("r-drop", r_drop, first=logits, second=other),
        case("distillation, T 1", distillation(1.0), student=logits, teacher=other),
        case("distillation, T 4", distillation(4.0), student=logits, teacher=other),
        case("distillation, T 0.5", distillation(0.5), student=logits, teacher=other),
        case("info-nce, T 1", info_nce(1.0), anchors=a, positives=p),
        case("info-nce, T 0.05", info_nce(0.05), anchors=a, positives=p),
        case("info-nce, T 0.2, hard negatives", info_nce(0.2), anchors=a, positives=p, hard_negatives=n[:2]),
        case("triplet, cosine", triplet("cosine", 0.5), anchors=a, positives=p, negatives=n),
        case("triplet, euclidean", triplet("euclidean", 1.0), anchors=a, positives=p, negatives=n),
        case("triplet, squared-euclidean", triplet("squared-euclidean", 0.2), anchors=a, positives=p, negatives=n),
    ]


if __name__ == "__main__":
    lines = ",\n  ".join(json.dumps(one) for one in cases())
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(f'{{\n "versions": {{"torch": "{torch.__version__}"}},\n "cases": [\n  {lines}\n ]\n}}\n')
