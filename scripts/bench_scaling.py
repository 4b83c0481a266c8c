"""How a training step scales, ours beside PyTorch's: writes one SVG of small multiples and prints the table behind it.

python scripts/bench_scaling.py [--python PYTHON] [--only WHAT ...] [--steps 8] [--rounds 2] [--threads 2]
                                [--heads-at masked] [--svg docs/scaling.svg] [--json docs/scaling.json] [--from FILE]

The step of the BERT 4 x 256 case, one size changed at a time, the others as in the case (128 tokens, batch 16, vocabulary 8192):
    seq      64 to 2048 tokens a row, fewer rows so that a step keeps its 2048 tokens: what attention costs
    batch    1 to 64 rows of 128 tokens
    vocab    8192 to 131072 words
    threads  1 and 2 (others by --only threads --values ..)
`--heads-at` says for both where logits are computed: `masked`, at the targets, is a careful user of PyTorch; `all` is what
transformers does (with 131072 words that takes several GiB). A point that several panels share is measured once.

The two programs take turns, one at a time, for the given rounds; a point is the median of the rounds' medians. `--from` draws
and prints an earlier --json again without measuring. Build first: cargo build --release. Let nothing else compute meanwhile.
PYTHON needs torch and transformers; this script needs only the standard library. About half an hour on two cores.
"""
import argparse
import json
import sys
from pathlib import Path

from measuring import ROOT, add_programs, by_turns, check_binary, last_json, middle, table, warn_if_busy
from plots import Log, Panel, Series, figure

TOKENS = 2048
CASE = "bert-4x256"
BASE = {"seq": 128, "batch": 16, "vocab": 8192}
VARIED = {
    "seq": [64, 128, 256, 512, 1024, 2048],
    "batch": [1, 2, 4, 8, 16, 32, 64],
    "vocab": [8192, 16384, 32768, 65536, 131072],
    "threads": [1, 2],
}
TITLES = {
    "seq": ("Sequence length, 2048 tokens a step", "tokens a row"),
    "batch": ("Batch, 128 tokens a row", "rows"),
    "vocab": ("Vocabulary", "words"),
    "threads": ("Threads", "threads"),
}


def setting(what, value, threads):
    """The sizes and threads of a point."""
    sizes = BASE | {"threads": threads, what: value}
    if what == "seq":
        sizes["batch"] = TOKENS // value
    return sizes


def measure(args, sizes):
    options = [CASE, "--steps", args.steps, "--heads-at", args.heads_at]
    options += [part for name, value in sizes.items() for part in (f"--{name}", value)]
    their_runs, our_runs = by_turns(
        args.rounds,
        lambda: last_json([args.python, ROOT / "scripts/torch_step.py", *options]),
        lambda: last_json([args.cresset, "bench", *options, "--device", args.device, "--json"]),
        lambda theirs, ours: f"{sizes} PyTorch {theirs['step_ms']:.0f} ms, Cresset {ours['step_ms']:.0f} ms",
    )
    facts = {"pytorch": their_runs, "cresset": our_runs}
    return {f"{name}_{key}": middle(runs, key) for name, runs in facts.items() for key in ("step_ms", "peak_mib")}


def points(args):
    """Every point of the panels, in order."""
    measured, found = {}, []
    for what in args.only:
        for value in args.values or VARIED[what]:
            sizes = setting(what, value, args.threads)
            key = tuple(sizes.items())
            if key not in measured:
                measured[key] = measure(args, sizes)
            found.append({"varied": what, **sizes, **measured[key]})
    return found


def draw(result):
    panels = []
    for what, (title, x_label) in TITLES.items():
        chosen = [p for p in result["points"] if p["varied"] == what]
        if not chosen:
            continue
        series = [
            Series(name, [(p[what], p[f"{key}_step_ms"]) for p in chosen])
            for name, key in (("Cresset", "cresset"), ("PyTorch", "pytorch"))
        ]
        panels.append(Panel(title, x_label, "ms a step", series, x=Log([p[what] for p in chosen]), y=Log()))
    logits = "at every position" if result["heads_at"] == "all" else "at the targets only"
    subtitle = f"BERT 4 x 256, one training step, logits {logits}, {result['threads']} threads where not varied; less is better"
    return figure("Time of a training step", subtitle, panels)


def shown(result):
    rows = [
        [
            p["varied"], p["seq"], p["batch"], p["vocab"], p["threads"], f"{p['pytorch_step_ms']:.0f}", f"{p['cresset_step_ms']:.0f}",
            f"{p['pytorch_step_ms'] / p['cresset_step_ms']:.2f}x", f"{p['pytorch_peak_mib']:.0f}", f"{p['cresset_peak_mib']:.0f}",
        ]
        for p in result["points"]
    ]
    header = ["varied", "tokens a row", "rows", "vocabulary", "threads", "PyTorch ms", "Cresset ms", "time ratio", "PyTorch MiB", "Cresset MiB"]
    return table(header, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_programs(parser)
    parser.add_argument("--only", nargs="+", choices=VARIED, default=list(VARIED), help="the panels")
    parser.add_argument("--values", nargs="+", type=int, help="other values of the one panel of --only")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--heads-at", choices=["all", "masked"], default="masked")
    parser.add_argument("--svg", type=Path, default=ROOT / "docs/scaling.svg")
    parser.add_argument("--json", type=Path, default=ROOT / "docs/scaling.json")
    parser.add_argument("--from", dest="earlier", type=Path, help="an earlier --json, drawn again")
    args = parser.parse_args()
    if args.values and len(args.only) != 1:
        parser.error("--values needs one panel; name it with --only")
    if args.earlier:
        result = json.loads(args.earlier.read_text(encoding="utf-8"))
    else:
        check_binary(parser, args.cresset)
        warn_if_busy()
        result = {"case": CASE, "heads_at": args.heads_at, "threads": args.threads, "rounds": args.rounds, "steps": args.steps, "points": points(args)}
        args.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        print(f"figures in {args.json}", file=sys.stderr)
    args.svg.write_text(draw(result), encoding="utf-8")
    print(f"plot in {args.svg}", file=sys.stderr)
    print(f"Logits of both: {result['heads_at']}; median of {result['rounds']} rounds of {result['steps']} steps.\n")
    print(shown(result))


if __name__ == "__main__":
    main()
