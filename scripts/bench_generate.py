"""Our writing against Hugging Face's `generate`, side by side on this machine: prints a Markdown table of ratios.

python scripts/bench_generate.py [CASE ...] [--batch 1 16] [--python PYTHON] [--steps 8] [--rounds 3] [--threads 2]

CASE: gpt-6x384-generate (prompts of 16 tokens) | t5-4x256-generate (sources of 64); both by default. Greedy search with cached
keys and values, exactly 128 new tokens a row, random weights, f32. A step is a whole batch written, prompts read included.

The two programs take turns, one at a time, for the given rounds; the table shows the median of the rounds' medians.
Build first: cargo build --release. Let nothing else compute meanwhile. PYTHON needs torch and transformers; this script
needs only the standard library.
"""
import argparse
import sys

from measuring import ROOT, add_programs, by_turns, check_binary, last_json, middle, table, warn_if_busy

CASES = ["gpt-6x384-generate", "t5-4x256-generate"]


def compare(args, case, batch):
    """One row of the table."""
    options = [case, "--batch", batch, "--steps", args.steps, "--threads", args.threads]
    their_runs, our_runs = by_turns(
        args.rounds,
        lambda: last_json([args.python, ROOT / "scripts/torch_generate.py", *options]),
        lambda: last_json([args.cresset, "bench", *options, "--device", args.device, "--json"]),
        lambda theirs, ours: f"{case} batch {batch} PyTorch {theirs['token_ms']:.2f} ms, Cresset {ours['token_ms']:.2f} ms a token",
    )
    if our_runs[0]["parameters"] != their_runs[0]["parameters"]:
        print(f"warning: {case} has {our_runs[0]['parameters']} parameters here and {their_runs[0]['parameters']} in PyTorch", file=sys.stderr)
    their_ms, our_ms = middle(their_runs, "token_ms"), middle(our_runs, "token_ms")
    their_mib, our_mib = middle(their_runs, "peak_mib"), middle(our_runs, "peak_mib")
    spread = f"{min(r['token_ms'] for r in our_runs):.2f}-{max(r['token_ms'] for r in our_runs):.2f}"
    return [
        case, batch, f"{their_ms:.2f}", f"{our_ms:.2f}", spread, f"{their_ms / our_ms:.2f}x",
        f"{middle(their_runs, 'tokens_per_s'):.0f}", f"{middle(our_runs, 'tokens_per_s'):.0f}",
        f"{their_mib:.0f}", f"{our_mib:.0f}", f"{our_mib / their_mib:.2f}x",
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    add_programs(parser)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    unknown = [case for case in args.cases if case not in CASES]
    if unknown:
        parser.error(f"unknown case {unknown[0]}; there are {', '.join(CASES)}")
    check_binary(parser, args.cresset)
    warn_if_busy()
    rows = [compare(args, case, batch) for case in args.cases or CASES for batch in args.batch]
    print(f"{args.threads} threads, median of {args.rounds} rounds of {args.steps} batches written; ms are per token of a row.\n")
    header = ["case", "batch", "PyTorch ms", "Cresset ms", "Cresset min-max", "time ratio", "PyTorch tokens/s", "Cresset tokens/s", "PyTorch MiB", "Cresset MiB", "memory ratio"]
    print(table(header, rows))


if __name__ == "__main__":
    main()
