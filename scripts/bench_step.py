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
import sys

from measuring import ROOT, add_programs, by_turns, check_binary, last_json, middle, table, warn_if_busy

CASES = ["bert-4x256", "bert-8x512", "gpt-6x384", "t5-4x256"]
PAIRS = ["all:all", "masked:all", "masked:masked"]


def theirs(args, case, heads_at):
    return last_json([args.python, ROOT / "scripts/torch_step.py", case, "--steps", str(args.steps), "--threads", str(args.threads), "--heads-at", heads_at])


def ours(args, case, heads_at):
    return last_json([args.cresset, "bench", case, "--steps", str(args.steps), "--threads", str(args.threads), "--heads-at", heads_at, "--device", args.device, "--json"])


def compare(args, case, pair):
    """One row of the table."""
    our_heads, their_heads = pair.split(":")
    their_runs, our_runs = by_turns(
        args.rounds,
        lambda: theirs(args, case, their_heads),
        lambda: ours(args, case, our_heads),
        lambda theirs, ours: f"{case} {pair} PyTorch {theirs['step_ms']:.0f} ms, Cresset {ours['step_ms']:.0f} ms",
    )
    if our_heads == their_heads and our_runs[0]["parameters"] != their_runs[0]["parameters"]:
        print(f"warning: {case} has {our_runs[0]['parameters']} parameters here and {their_runs[0]['parameters']} in PyTorch", file=sys.stderr)
    their_ms, our_ms = middle(their_runs, "step_ms"), middle(our_runs, "step_ms")
    their_mib, our_mib = middle(their_runs, "peak_mib"), middle(our_runs, "peak_mib")
    spread = f"{min(r['step_ms'] for r in our_runs):.0f}-{max(r['step_ms'] for r in our_runs):.0f}"
    return [
        case, pair if case.startswith("bert") else "-", f"{their_ms:.0f}", f"{our_ms:.0f}", spread, f"{their_ms / our_ms:.2f}x",
        floor(their_runs, our_ms) if our_heads == their_heads else "-", f"{middle(our_runs, 'tokens_per_s'):.0f}",
        f"{their_mib:.0f}", f"{our_mib:.0f}", f"{our_mib / their_mib:.2f}x",
    ]


def floor(their_runs, our_ms):
    """How near our step is to the time that its matrix products alone would take at full speed."""
    fastest = max(r["product_gflop_per_s"] for r in their_runs)
    return f"{their_runs[0]['step_gflop'] / fastest * 1e3 / our_ms:.0%}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    add_programs(parser)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pairs", nargs="+", default=PAIRS, choices=PAIRS)
    args = parser.parse_args()
    unknown = [case for case in args.cases if case not in CASES]
    if unknown:
        parser.error(f"unknown case {unknown[0]}; there are {', '.join(CASES)}")
    check_binary(parser, args.cresset)
    warn_if_busy()
    rows = []
    for case in args.cases or CASES:
        for pair in args.pairs if case.startswith("bert") else ["all:all"]:
            rows.append(compare(args, case, pair))
    print(f"{args.threads} threads, median of {args.rounds} rounds of {args.steps} steps; ratios above 1 (time) and below 1 (memory) are in our favour.\n")
    header = ["case", "logits, ours:theirs", "PyTorch ms", "Cresset ms", "Cresset min-max", "time ratio", "of the floor", "Cresset tokens/s", "PyTorch MiB", "Cresset MiB", "memory ratio"]
    print(table(header, rows))


if __name__ == "__main__":
    main()
