"""Fine-tuning on real, ragged text, ours against PyTorch's: wall clock and dev accuracy by epoch as Markdown tables.

python scripts/bench_finetune.py TRAIN DEV [--python PYTHON] [--epochs 5] [--rounds 1] [--threads 2] [--seed 0]

TRAIN and DEV hold JSON lines with `text` and `label`, for instance the Stanford Sentiment Treebank (sst2). BERT 4 x 256 from
random weights: configs/bench/sst2.toml here, scripts/torch_classify.py with the same settings there. Rows of like length go
together here (`data.bucket`); there a batch is padded to its longest row, as the Trainer does.

Two wall clocks: `epochs` is training with an evaluation after each epoch, once data and model stand; `process` is the whole
program from its start to its end, with imports, tokenizer, and here the model's files. The ratio that counts is the first.
Round n takes the seed plus n - 1. The two programs take turns, one at a time. Build first: cargo build --release. Let nothing else
compute meanwhile. PYTHON needs torch and transformers; this script needs only the standard library.
"""
import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from measuring import ROOT, add_programs, by_turns, check_binary, last_json, middle, run, table, warn_if_busy

CONFIG = ROOT / "configs/bench/sst2.toml"


def timed(work):
    began = time.perf_counter()
    result = work()
    return result | {"process_seconds": time.perf_counter() - began}


def theirs(args, seed):
    program = ROOT / "scripts/torch_classify.py"
    return last_json([args.python, program, args.train, args.dev, "--epochs", args.epochs, "--threads", args.threads, "--seed", seed])


def ours(args, seed):
    with tempfile.TemporaryDirectory() as folder:
        settings = {"data.train": [str(args.train)], "data.eval": [str(args.dev)], "train.epochs": args.epochs, "train.out": f"{folder}/run"}
        options = [part for key, value in settings.items() for part in ("--set", f"{key}={json.dumps(value)}")]
        run([args.cresset, "train", CONFIG, *options, "--seed", seed, "--threads", args.threads, "--device", args.device, "--quiet"])
        lines = (Path(folder) / "run/metrics.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    timed_events = [event for event in events if event["event"] in ("step", "evaluated")]
    return {
        "seconds": sum(event["seconds"] for event in timed_events),
        "accuracy": [event["values"]["accuracy"] for event in events if event["event"] == "evaluated"],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", type=Path)
    parser.add_argument("dev", type=Path)
    add_programs(parser)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.train, args.dev = args.train.resolve(), args.dev.resolve()
    check_binary(parser, args.cresset)
    warn_if_busy()
    seeds = [args.seed + n for n in range(args.rounds)]
    of_theirs, of_ours = iter(seeds), iter(seeds)
    their_runs, our_runs = by_turns(
        args.rounds,
        lambda: timed(lambda: theirs(args, next(of_theirs))),
        lambda: timed(lambda: ours(args, next(of_ours))),
        lambda theirs, ours: f"{args.epochs} epochs, PyTorch {theirs['seconds']:.1f} s, Cresset {ours['seconds']:.1f} s",
    )

    print(f"{args.epochs} epochs, {args.threads} threads, median of {args.rounds} rounds.\n")
    rows = []
    for name, key in (("epochs", "seconds"), ("process", "process_seconds")):
        their_s, our_s = middle(their_runs, key), middle(our_runs, key)
        rows.append([name, f"{their_s:.1f}", f"{our_s:.1f}", f"{their_s / our_s:.2f}x"])
    print(table(["wall clock", "PyTorch s", "Cresset s", "ratio"], rows), end="\n\n")

    def mean(runs, epoch):
        return statistics.mean(r["accuracy"][epoch] for r in runs)

    rows = [[epoch + 1, f"{mean(their_runs, epoch):.2%}", f"{mean(our_runs, epoch):.2%}"] for epoch in range(args.epochs)]
    rows.append(["best", *(f"{statistics.mean(max(r['accuracy']) for r in runs):.2%}" for runs in (their_runs, our_runs))])
    print(table(["epoch", "PyTorch dev accuracy", "Cresset dev accuracy"], rows))


if __name__ == "__main__":
    main()
