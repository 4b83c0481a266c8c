"""Golden values for cresset-train from torch.optim.AdamW, torch.nn.utils.clip_grad_norm_ and transformers' schedules.

python scripts/golden_optim.py      (needs torch, transformers; the versions used are in the file)
Writes crates/cresset-train/tests/golden/optim.json, small and meant to be read.
"""
import json
import warnings
from pathlib import Path

import torch
import transformers

OUT = Path(__file__).resolve().parent.parent / "crates/cresset-train/tests/golden/optim.json"


def numbers(tensor):
    return [float(x) for x in tensor.detach().flatten()]


def drawn(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def adamw(clip):
    """Ten steps of a small network on one batch: linear schedule with warm-up, decay on matrices only."""
    parameters = {
        "first": drawn(3, 4, seed=1),
        "shift": drawn(4, seed=2),
        "gain": drawn(4, seed=3),
        "second": drawn(4, 1, seed=4),
    }
    start = {name: numbers(p) for name, p in parameters.items()}
    for p in parameters.values():
        p.requires_grad_()
    inputs, targets = drawn(6, 3, seed=5), drawn(6, seed=6)
    groups = [
        {"params": [p for p in parameters.values() if p.dim() > 1], "weight_decay": 0.1},
        {"params": [p for p in parameters.values() if p.dim() <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=0.05, betas=(0.9, 0.98), eps=1e-6)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, 2, 10)
    steps = []
    for _ in range(10):
        lr = schedule.get_last_lr()[0]
        hidden = torch.tanh(inputs @ parameters["first"] + parameters["shift"]) * parameters["gain"]
        loss = ((hidden @ parameters["second"]).flatten() - targets).square().sum() / 6
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(list(parameters.values()), clip if clip else float("inf"))
        optimizer.step()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            schedule.step()
        weights = {name: numbers(p) for name, p in parameters.items()}
        steps.append({"loss": float(loss.detach()), "grad_norm": float(norm), "lr": lr, "weights": weights})
    return {"clip": clip, "inputs": numbers(inputs), "targets": numbers(targets), "start": start, "steps": steps}


def factors(make, steps):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = make(optimizer)
    out = []
    for _ in range(steps):
        out.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return out


def schedules():
    """One factor per step; `config` is the [schedule] table."""
    t = transformers
    cases = [
        ({"linear": {"warmup": 4}}, 20, lambda o: t.get_linear_schedule_with_warmup(o, 4, 20)),
        ({"linear": {"warmup": 0}}, 7, lambda o: t.get_linear_schedule_with_warmup(o, 0, 7)),
        ({"linear": {"warmup": 0.1}}, 25, lambda o: t.get_linear_schedule_with_warmup(o, 3, 25)),
        ({"cosine": {"warmup": 5}}, 20, lambda o: t.get_cosine_schedule_with_warmup(o, 5, 20)),
        (
            {"cosine": {"warmup": 5, "floor": 0.1}},
            20,
            lambda o: t.get_cosine_with_min_lr_schedule_with_warmup(o, 5, 20, min_lr_rate=0.1),
        ),
        ({"inverse_sqrt": {"warmup": 5}}, 20, lambda o: t.get_inverse_sqrt_schedule(o, 5)),
        ({"inverse_sqrt": {"warmup": 0}}, 10, lambda o: t.get_inverse_sqrt_schedule(o, 0)),
        ({"constant": {"warmup": 5}}, 10, lambda o: t.get_constant_schedule_with_warmup(o, 5)),
        ({"constant": {}}, 4, lambda o: t.get_constant_schedule(o)),
    ]
    return [{"config": config, "steps": steps, "factors": factors(make, steps)} for config, steps, make in cases]


def clips():
    """How clip_grad_norm_ scales two tensors."""
    out = []
    for scale, most in [(0.1, 1.0), (1.0, 1.0), (100.0, 1.0), (3.0, 0.25)]:
        tensors = [torch.zeros(2, 2, requires_grad=True), torch.zeros(3, requires_grad=True)]
        before = [drawn(2, 2, seed=7) * scale, drawn(3, seed=8) * scale]
        for tensor, gradient in zip(tensors, before):
            tensor.grad = gradient.clone()
        norm = torch.nn.utils.clip_grad_norm_(tensors, most)
        out.append(
            {
                "max_norm": most,
                "before": [numbers(g) for g in before],
                "norm": float(norm),
                "after": [numbers(t.grad) for t in tensors],
            }
        )
    return out


if __name__ == "__main__":
    golden = {
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "adamw": [adamw(None), adamw(0.5)],
        "schedules": schedules(),
        "clips": clips(),
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(golden, indent=1) + "\n")
