"""Our training step against PyTorch's, side by side on this machine: prints a Markdown table of ratios.

python scripts/bench_step.py [CASE ...] [--python PYTHON] [--steps 12] [--rounds 3] [--threads 2]

CASE: bert-4x256 | bert-8x512 | gpt-6x384 | t5-4x256; all by default. A masked language model is compared three ways,
written OURS:THEIRS by where logits are computed: `all:all` is the same work, `masked:all` is what a user of either tool
gets by default, `masked:masked` is a careful user of PyTorch. `--pairs` chooses.

The two programs take turns, one at a time, for the given rounds; the table shows the median of the rounds' medians.
Build first: cargo build --release. Let nothing else compute meanwhile. PYTHON needs torch and transformers; this script
needs only the standard library.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CASES = ["bert-4x256", "bert-8x512", "gpt-6x384", "t5-4x256"]
PAIRS = ["all:all", "masked:all", "masked:masked"]


def run(command):
    """The last line that the command prints, which is JSON."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def theirs(args, case, heads_at):
    return run([args.python, ROOT / "scripts/torch_step.py", case, "--steps", str(args.steps), "--threads", str(args.threads), "--heads-at", heads_at])


def ours(args, case, heads_at):
    return run([args.cresset, "bench", case, "--steps", str(args.steps), "--threads", str(args.threads), "--heads-at", heads_at, "--device", args.device, "--json"])


def middle(runs, key):
    return statistics.median(r[key] for r in runs)


def compare(args, case, pair):
    """One row of the table."""
    our_heads, their_heads = pair.split(":")
    our_runs, their_runs = [], []
    for turn in range(args.rounds):
        their_runs.append(theirs(args, case, their_heads))
        our_runs.append(ours(args, case, our_heads))
        print(f"{case} {pair} round {turn + 1}: PyTorch {their_runs[-1]['step_ms']:.0f} ms, Cresset {our_runs[-1]['step_ms']:.0f} ms", file=sys.stderr)
    if our_heads == their_heads and our_runs[0]["parameters"] != their_runs[0]["parameters"]:
        print(f"warning: {case} has {our_runs[0]['parameters']} parameters here and {their_runs[0]['parameters']} in PyTorch", file=sys.stderr)
    their_ms, our_ms = middle(their_runs, "step_ms"), middle(our_runs, "step_ms")
    their_mib, our_mib = middle(their_runs, "peak_mib"), middle(our_runs, "peak_mib")
    spread = f"{min(r['step_ms'] for r in our_runs):.0f}-{max(r['step_ms'] for r in our_runs):.0f}"
    cells = [
        case, pair if case.startswith("bert") else "-", f"{their_ms:.0f}", f"{our_ms:.0f}", spread, f"{their_ms / our_ms:.2f}x",
        floor(their_runs, our_ms) if our_heads == their_heads else "-", f"{middle(our_runs, 'tokens_per_s'):.0f}",
        f"{their_mib:.0f}", f"{our_mib:.0f}", f"{our_mib / their_mib:.2f}x",
    ]
    return "| " + " | ".join(cells) + " |"


def floor(their_runs, our_ms):
    """How near our step is to the time that its matrix products alone would take at full speed."""
    fastest = max(r["product_gflop_per_s"] for r in their_runs)
    return f"{their_runs[0]['step_gflop'] / fastest * 1e3 / our_ms:.0%}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--python", default=sys.executable, help="a Python with torch and transformers")
    parser.add_argument("--cresset", default=ROOT / "target/release/cresset", help="our binary")
    parser.add_argument("--device", default="flex", help="our device")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pairs", nargs="+", default=PAIRS, choices=PAIRS)
    args = parser.parse_args()
    unknown = [case for case in args.cases if case not in CASES]
    if unknown:
        parser.error(f"unknown case {unknown[0]}; there are {', '.join(CASES)}")
    if not Path(args.cresset).is_file():
        parser.error(f"{args.cresset} is not there; run cargo build --release")

    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"warning: the machine is busy (load {load:.1f}); the figures will not mean much", file=sys.stderr)
    rows = []
    for case in args.cases or CASES:
        for pair in args.pairs if case.startswith("bert") else ["all:all"]:
            rows.append(compare(args, case, pair))
    print(f"{args.threads} threads, median of {args.rounds} rounds of {args.steps} steps; ratios above 1 (time) and below 1 (memory) are in our favour.\n")
    print("| case | logits, ours:theirs | PyTorch ms | Cresset ms | Cresset min-max | time ratio | of the floor | Cresset tokens/s | PyTorch MiB | Cresset MiB | memory ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
