"""Trains the tiny configs and holds what they learn against a predictor that knows nothing of the text.

python scripts/learning.py [--cresset BINARY] [--device flex] [--steps N] [CONFIG...]      (needs nothing but Python)

For tokens the trivial predictor is the distribution of the labels over the first training batches: its entropy is the loss it
reaches, the share of the most frequent label its accuracy. For classes it is the most frequent class, for numbers their mean, for
retrieval a guess. A mix of objectives is left out: its parts stand by themselves. Prints a Markdown table; exit code 1 if a config
does not beat its trivial predictor.
"""
import argparse
import collections
import json
import math
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENOUGH_LABELS = 5000


def run(binary, *arguments, folder):
    done = subprocess.run([binary, *map(str, arguments)], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, arguments))}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def label_counts(binary, config, folder):
    """How often each label is a target in the first training batches; too few would make the entropy look small."""
    counts = collections.Counter()
    batch = -1
    while counts.total() < ENOUGH_LABELS:
        batch += 1
        shown = json.loads(run(binary, "preview", config, "--batch", batch, "--rows", 1000, "--json", folder=folder))
        for row in shown["examples"]:
            for part in row:
                if part.get("loss_mask"):
                    counts.update(label for label, counts_it in zip(part["labels"], part["loss_mask"]) if counts_it)
    return counts


def rows_of(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def trivial(binary, config, settings, folder):
    """Figures of the trivial predictor, by metric."""
    (name, options), = settings["objective"].items()
    if name == "classify":
        rows = rows_of(folder / settings["data"]["eval"][0])
        if options.get("task") == "regression":
            scores = [row["score"] for row in rows]
            mean = sum(scores) / len(scores)
            return {"mse": sum((score - mean) ** 2 for score in scores) / len(scores)}
        if options.get("task") == "multi-label":
            held = [frozenset(row["label"]) for row in rows]
            return {"exact_match": max(collections.Counter(held).values()) / len(held)}
        labels = collections.Counter(row["label"] for row in rows)
        return {"accuracy": max(labels.values()) / labels.total()}
    if name == "contrastive":
        return {"accuracy": 1 / settings["data"].get("eval_batch_size", 32)}
    if name == "extract":
        return {"exact_match": 0.0}
    counts = label_counts(binary, config, folder)
    shares = [count / counts.total() for count in counts.values()]
    figures = {"loss": -sum(share * math.log(share) for share in shares), "accuracy": max(shares)}
    return {"accuracy": figures["accuracy"]} if name == "tag" else figures


def last_evaluation(run_folder):
    lines = (run_folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    evaluations = [event for event in map(json.loads, lines) if event["event"] == "evaluated"]
    return evaluations[-1]["values"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", nargs="*", type=Path)
    parser.add_argument("--cresset", default=str(ROOT / "target/release/cresset"))
    parser.add_argument("--device", default="flex")
    parser.add_argument("--steps", type=int, help="instead of the config's own")
    options = parser.parse_args()
    configs = options.configs or sorted((ROOT / "configs/tiny").glob("*.toml"))
    failed = False
    print(f"| config ({options.device}) | steps | figure | trivial | trained |\n| --- | --- | --- | --- | --- |", flush=True)
    for config in (path.resolve() for path in configs):
        settings = tomllib.loads(config.read_text(encoding="utf-8"))
        if "multi" in settings["objective"]:
            continue
        steps = options.steps or settings["train"]["steps"]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            run(options.cresset, "sample-data", "sample-data", "--quiet", folder=folder)
            baseline = trivial(options.cresset, config, settings, folder)
            overrides = ["--set", "train.out=run", "--set", f"train.steps={steps}"]
            run(options.cresset, "train", config, "--quiet", "--device", options.device, *overrides, folder=folder)
            reached = last_evaluation(folder / "run")
        for metric, value in baseline.items():
            is_less_better = metric in ("loss", "mse")
            better = reached[metric] < value if is_less_better else reached[metric] > value
            failed |= not better
            mark = "" if better else " (not better)"
            print(f"| `{config.stem}` | {steps} | {metric} | {value:.3f} | {reached[metric]:.3f}{mark} |", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
