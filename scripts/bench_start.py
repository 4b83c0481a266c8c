"""How soon a run does its first step, and whether its memory stays flat: prints two Markdown tables.

python scripts/bench_start.py [--data TEXT_FILE] [--repeats 5] [--steps 500] [--every 50] [--threads 2] [--only start|memory]

configs/bench/start.toml (BERT 4 x 256, 16 x 128 tokens, masked-lm) on a text file, by default the project's own corpus, with a
trained tokenizer and prepared texts in place.

start    from the start of the process to its first step done, as its line in metrics.jsonl appears; median of the repeats, each
         in a fresh run folder
memory   resident memory of the running process at every so many steps. RssAnon is the process's own; RssFile are mapped file pages,
         the prepared texts among them, which the system takes back when it needs them. Flat: from the fifth part of the steps on, RssAnon
         grows by at most 2 % of what it was there

Linux only (/proc). Build first: cargo build --release. Let nothing else compute meanwhile. Standard library only.
"""
import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import ROOT, add_cresset, check_binary, run, table, warn_if_busy
from memory_over_time import sample

CONFIG = ROOT / "configs/bench/start.toml"
UNTRAINED = ROOT / "configs/bench/bert-4x256.toml"
LOOK_SECONDS = 0.001
FLAT = 0.02


def assignments(settings):
    return [part for key, value in settings.items() for part in ("--set", f"{key}={json.dumps(value)}")]


def prepare(args, folder):
    """Tokenizer and prepared texts; what a run is told of them."""
    data = args.data
    if data is None:
        run([args.cresset, "sample-data", folder / "data", "--quiet"])
        data = folder / "data/corpus.txt"
    train = {"data.train": [str(data)]}
    run([args.cresset, "tokenizer", "train", UNTRAINED, "--out", folder / "tokenizer", "--quiet", *assignments(train)])
    settings = train | {"tokenizer.path": str(folder / "tokenizer"), "data.prepared": str(folder / "prepared")}
    run([args.cresset, "prepare", CONFIG, "--quiet", *assignments(settings)])
    return settings


def begin(args, settings):
    command = [args.cresset, "train", CONFIG, "--quiet", "--device", args.device, "--threads", args.threads, *assignments(settings)]
    return subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)


def steps_of(process, metrics):
    """The number of each step as soon as its line is in metrics.jsonl, until the process ends."""
    log, rest = None, ""
    while True:
        ended = process.poll() is not None
        if log is None and metrics.exists():
            log = metrics.open(encoding="utf-8")
        rest += log.read() if log else ""
        *lines, rest = rest.split("\n")
        for event in map(json.loads, lines):
            if event["event"] == "step":
                yield event["step"]
        if ended:
            break
        time.sleep(LOOK_SECONDS)
    if log:
        log.close()
    if process.returncode != 0:
        sys.exit(f"cresset train ended with {process.returncode}")


def start_seconds(args, folder, settings, number):
    out = folder / f"start-{number}"
    began = time.perf_counter()
    process = begin(args, settings | {"train.out": str(out), "train.steps": 1})
    first = None
    for _ in steps_of(process, out / "metrics.jsonl"):
        first = first or time.perf_counter() - began
    return first


def memory(args, folder, settings):
    """Resident memory by step, as [(step, RssAnon, RssFile)]."""
    out = folder / "memory"
    process = begin(args, settings | {"train.out": str(out), "train.steps": args.steps})
    seen = []
    for step in steps_of(process, out / "metrics.jsonl"):
        if step % args.every == 0 and (at := sample(process.pid)):
            seen.append((step, at["RssAnon"], at["RssFile"]))
    return seen


def tell_memory(args, seen):
    settled = [anon for step, anon, _ in seen if step * 5 >= args.steps]
    growth = max(settled) - settled[0]
    verdict = "flat" if growth <= FLAT * settled[0] else "NOT flat"
    print(f"Resident memory over {args.steps} steps: {verdict}, {growth:+.1f} MiB ({growth / settled[0]:+.1%}) from the fifth part of the steps on.\n")
    print(table(["step", "RssAnon MiB", "RssFile MiB"], [[step, f"{anon:.1f}", f"{file:.1f}"] for step, anon, file in seen]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_cresset(parser)
    parser.add_argument("--data", type=Path, help="a text file, a text a line")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--every", type=int, default=50)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=["start", "memory"])
    args = parser.parse_args()
    if not 0 < args.every <= args.steps:
        parser.error("--every must be between 1 and --steps")
    args.data = args.data and args.data.resolve()
    check_binary(parser, args.cresset)
    warn_if_busy()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        settings = prepare(args, folder)
        if args.only != "memory":
            found = [start_seconds(args, folder, settings, number) for number in range(args.repeats)]
            cells = [f"{statistics.median(found):.3f}", f"{min(found):.3f}", f"{max(found):.3f}", args.repeats]
            print(table(["start to first step done, s (median)", "min", "max", "runs"], [cells]), end="\n\n")
        if args.only != "start":
            tell_memory(args, memory(args, folder, settings))


if __name__ == "__main__":
    main()
