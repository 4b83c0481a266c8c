"""Holds `cresset embed` against transformers on a folder with an encoder.

python scripts/check_embeddings.py FOLDER [--pooling mean] [--binary target/release/cresset]      (needs torch, transformers)

Fifty sentences of its own, from one word to longer than the model takes, go through the binary and through transformers' AutoModel with
the same pooling, both scaled to length 1 and cut at sentence-transformers' max_seq_length if the folder has one. Prints the smallest
cosine and the largest difference of a number; exit code 1 below 0.9999.
"""
import argparse
import json
import subprocess
import sys
from pathlib import Path

import torch
from transformers import AutoModel, AutoTokenizer

OPENINGS = ("The baker", "My younger sister", "A retired engineer", "Nobody on the committee", "That old grey cat")
MIDDLES = (
    "opened the window and listened to the rain", "lost 3,482 marbles in 1997", "couldn't explain why the motor stopped",
    "painted the café's door a deep, restless blue", "argued -- politely, for once -- about entropy", "never reads e-mails before ten o'clock",
    "planted forty-two tulips beside the railway", "wondered whether photosynthesis could be hurried", "sold the violin for less than it cost",
)
OTHERS = (
    "Yes.", "what time is it", "ANTIDISESTABLISHMENTARIANISM!", "naïve façades, 東京 and Ωmega: every script at once",
    " ".join(f"On day {day} the caravan crossed another dune and counted its water." for day in range(60)),
)
SENTENCES = [f"{opening} {middle}." for opening in OPENINGS for middle in MIDDLES] + list(OTHERS)


def pooled(states, mask, pooling):
    last = states[-1]
    kept = mask.unsqueeze(-1).bool()
    if pooling == "cls":
        return last[:, 0]
    if pooling == "last":
        return last[torch.arange(len(mask)), mask.sum(1) - 1]
    if pooling == "max":
        return last.masked_fill(~kept, -torch.inf).max(1).values
    if pooling == "first-last-avg":
        last = (states[1] + last) / 2
    return last.masked_fill(~kept, 0).sum(1) / mask.sum(1, keepdim=True)


def longest(folder, model):
    settings = folder / "sentence_bert_config.json"
    stated = json.loads(settings.read_text())["max_seq_length"] if settings.exists() else None
    return min(stated or 512, model.config.max_position_embeddings)


@torch.no_grad()
def theirs(folder, pooling):
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    inputs = tokenizer(SENTENCES, padding=True, truncation=True, max_length=longest(folder, model), return_tensors="pt")
    states = model(**inputs, output_hidden_states=True).hidden_states
    return torch.nn.functional.normalize(pooled(states, inputs["attention_mask"], pooling))


def ours(folder, pooling, binary):
    lines = "".join(json.dumps({"text": text}) + "\n" for text in SENTENCES)
    command = [binary, "embed", folder, "--input", "-", "--pooling", pooling, "--normalize", "--batch-size", "8", "--device", "flex"]
    out = subprocess.run(command, input=lines, capture_output=True, text=True)
    if out.returncode != 0:
        sys.exit(f"cresset embed failed: {out.stderr}")
    answers = [json.loads(line) for line in out.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == list(range(1, len(SENTENCES) + 1))
    return torch.tensor([answer["embedding"] for answer in answers])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pooling", default="mean", choices=["cls", "mean", "max", "last", "first-last-avg"])
    parser.add_argument("--binary", default="target/release/cresset")
    args = parser.parse_args()
    a, b = ours(args.folder, args.pooling, args.binary), theirs(args.folder, args.pooling)
    cosine = (a.double() * b.double()).sum(1).min().item()
    print(f"{args.folder}, pooling {args.pooling}: {len(a)} sentences, smallest cosine {cosine:.9f}, largest difference {(a - b).abs().max():.1e}")
    sys.exit(0 if cosine >= 0.9999 else 1)
