"""One config and seed trained twice, by two devices or binaries: both loss curves as an SVG, and how far they are apart.

python scripts/loss_curves.py CONFIG [--one flex] [--other ndarray] [--set KEY=VALUE ...] [--seed 0] [--noise-seed N]
                              [--threads 2] [--svg FILE] [--smooth N]
python scripts/loss_curves.py --runs FOLDER FOLDER [--svg FILE] [--smooth N]

`--one` and `--other` are DEVICE or BINARY@DEVICE. `flex` runs the fused kernels, `ndarray` the reference versions in plain tensor
operations (the binary needs the feature: cargo build --release --features ndarray --target-dir target/ndarray), an older binary
is the version before a change. Both see the same weights, batches and dropout, so the first losses agree to rounding; later rounding
grows, as it does between any two programs. `--noise-seed` trains `--one` a third time with another seed, for the size of
what is noise anyway. `--runs` compares two run folders that are there.

Configs for this: configs/bench/sst2.toml and configs/bench/multi30k.toml; the data by --set, for instance
--set 'data.train=["sst2/train.jsonl"]' 'data.eval=["sst2/dev.jsonl"]' train.epochs=1. Standard library only.
"""
import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from measuring import ROOT, check_binary, run, table
from plots import Log, Panel, Series, figure

# Below this a difference is drawn as if it were this: a logarithmic axis has no zero.
LEAST = 1e-8


def program(text):
    """(binary, device) of `DEVICE` or `BINARY@DEVICE`."""
    binary, _, device = text.rpartition("@")
    return Path(binary) if binary else ROOT / "target/release/cresset", device


def train(args, text, seed, out):
    binary, device = program(text)
    settings = [part for assignment in [*args.set, f"train.out={json.dumps(str(out))}"] for part in ("--set", assignment)]
    print(f"training on {device}, seed {seed}", file=sys.stderr)
    run([binary, "train", args.config, "--device", device, "--seed", seed, "--threads", args.threads, "--quiet", *settings])


def read(folder):
    """Loss by step, and the values of the evaluations by step."""
    losses, evaluations = {}, {}
    for line in (Path(folder) / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["event"] == "step":
            losses[event["step"]] = event["loss"]
        elif event["event"] == "evaluated":
            evaluations[event["step"]] = event["values"]
    return losses, evaluations


def smoothed(losses, width):
    """(step, mean of the last `width` losses)."""
    values = list(losses.values())
    return [(step, statistics.fmean(values[max(0, at + 1 - width) : at + 1])) for at, step in enumerate(losses)]


def differences(one, other):
    """Absolute differences of the losses by step."""
    return {step: abs(one[step] - other[step]) for step in one if step in other}


def tell(names, runs, width):
    """The differences of every pair as a table, and the evaluations beside each other."""
    rows = []
    for at in range(1, len(runs)):
        apart = differences(runs[0][0], runs[at][0])
        smooth = differences(dict(smoothed(runs[0][0], width)), dict(smoothed(runs[at][0], width)))
        last = [apart[step] for step in sorted(apart)][-max(1, len(apart) // 10) :]
        cells = [apart[min(apart)], statistics.fmean(apart.values()), max(apart.values()), statistics.fmean(last), max(smooth.values())]
        rows.append([f"{names[0]} and {names[at]}", len(apart), *(f"{cell:.2e}" for cell in cells)])
    header = ["absolute difference of the loss", "steps", "first step", "mean", "max", "mean of the last tenth", f"max of means over {width} steps"]
    print(table(header, rows), end="\n\n")
    evaluations = [found for _, found in runs]
    if all(evaluations):
        steps = sorted(set.intersection(*map(set, evaluations)))
        metrics = [name for name, value in evaluations[0][steps[0]].items() if isinstance(value, float)]
        rows = [[step, name, *(f"{found[step][name]:.4f}" for found in evaluations)] for step in steps for name in metrics]
        print(table(["step", "evaluation", *names], rows))


def draw(title, names, runs, width):
    curves = [Series(name, smoothed(losses, width), marked=False, behind=list(losses.items())) for name, (losses, _) in zip(names, runs)]
    apart = [
        Series(names[at], [(step, max(d, LEAST)) for step, d in differences(runs[0][0], runs[at][0]).items()], marked=False)
        for at in range(1, len(runs))
    ]
    panels = [
        Panel("Training loss", "step", "nats", curves),
        Panel(f"Absolute difference to {names[0]}", "step", "nats", apart, y=Log([10.0**n for n in range(-8, 3)])),
    ]
    return figure(title, f"mean over {width} steps, single steps faint behind", panels)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", nargs="?", type=Path)
    parser.add_argument("--one", default="flex", metavar="[BINARY@]DEVICE")
    parser.add_argument("--other", default="ndarray", metavar="[BINARY@]DEVICE")
    parser.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--noise-seed", type=int, help="train --one with this seed too")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", nargs=2, metavar="FOLDER", help="run folders to compare instead of training")
    parser.add_argument("--svg", type=Path, default=Path("loss_curves.svg"))
    parser.add_argument("--smooth", type=int, help="steps of a mean; a fiftieth of all by default")
    args = parser.parse_args()
    if (args.config is None) == (args.runs is None):
        parser.error("give a config, or two run folders with --runs")
    if args.runs:
        names, title = args.runs, "Two runs"
        runs = [read(folder) for folder in args.runs]
    else:
        orders = [(args.one, args.seed), (args.other, args.seed)]
        names = [program(text)[1] for text, _ in orders] if program(args.one)[1] != program(args.other)[1] else [args.one, args.other]
        if args.noise_seed is not None:
            orders.append((args.one, args.noise_seed))
            names.append(f"{names[0]}, seed {args.noise_seed}")
        for text, _ in orders:
            check_binary(parser, program(text)[0])
        title = f"{args.config.stem}, seed {args.seed}"
        with tempfile.TemporaryDirectory() as folder:
            runs = []
            for number, (text, seed) in enumerate(orders):
                out = Path(folder) / str(number)
                train(args, text, seed, out)
                runs.append(read(out))
    width = args.smooth or max(1, len(runs[0][0]) // 50)
    args.svg.write_text(draw(title, names, runs, width), encoding="utf-8")
    print(f"plot in {args.svg}", file=sys.stderr)
    tell(names, runs, width)


if __name__ == "__main__":
    main()
