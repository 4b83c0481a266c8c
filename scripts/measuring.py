"""What the measuring scripts share: a program's JSON, two programs by turns, a warning on a busy machine, Markdown tables.

Standard library only. The figures mean something on a machine where nothing else computes; PyTorch's threads spin while they
wait, so two programs at once slow each other by factors.
"""
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def add_programs(parser):
    """The options that name the two programs."""
    parser.add_argument("--python", default=sys.executable, help="a Python with torch and transformers")
    add_cresset(parser)


def add_cresset(parser):
    parser.add_argument("--cresset", type=Path, default=ROOT / "target/release/cresset", help="our binary")
    parser.add_argument("--device", default="flex", help="our device")


def check_binary(parser, path):
    if not Path(path).is_file():
        parser.error(f"{path} is not there; run cargo build --release")


def warn_if_busy():
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"warning: the machine is busy (load {load:.1f}); the figures will not mean much", file=sys.stderr)


def run(command, folder=None):
    """Runs a program to its end; what it prints to standard output."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True, cwd=folder)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}")
    return done.stdout


def last_json(command):
    """The last line that a program prints, which is JSON."""
    return json.loads(run(command).strip().splitlines()[-1])


def by_turns(rounds, theirs, ours, tell):
    """Runs both the given number of times, one after the other; tells both results of each round."""
    their_runs, our_runs = [], []
    for turn in range(rounds):
        their_runs.append(theirs())
        our_runs.append(ours())
        print(f"round {turn + 1}: {tell(their_runs[-1], our_runs[-1])}", file=sys.stderr)
    return their_runs, our_runs


def middle(runs, key):
    return statistics.median(r[key] for r in runs)


def row(cells):
    return "| " + " | ".join(map(str, cells)) + " |"


def table(header, rows):
    return "\n".join([row(header), row(["---"] * len(header)), *map(row, rows)])
