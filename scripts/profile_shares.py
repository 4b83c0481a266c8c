"""A `perf record` of a training step as shares: matrix products, fused kernels, copies, fresh pages.

perf record -F 499 -o perf.data target/profile/release/cresset bench bert-4x256 --steps 30
python scripts/profile_shares.py [perf.data]

Names decide which group a function is in, so `rest` is worth a look in `perf report` when it is large. Prints a Markdown table with the
heaviest functions of each group. Needs perf; CONTRIBUTING.md has the whole recipe.
"""
import argparse
import collections
import re
import subprocess

from measuring import table

# The first group that a name matches counts.
GROUPS = [
    ("matrix products", r"gemm"),
    ("fused kernels", r"cresset_ops|pulp::"),
    ("copies", r"memmove|memcpy|contiguous"),
    ("zeroing", r"memset"),
    ("fresh pages", r"clear_page|page_fault|alloc_.*page|do_anonymous|mmap|madvise|munmap"),
    ("allocator", r"^\[\.\] (mi_|_mi_|malloc|free$|realloc)"),
    ("waiting for work", r"rayon_core|sched_yield|schedule|task_switch|futex|crossbeam"),
    ("other tensor operations", r"burn_|macerator"),
    ("rest of the system", r"^\[k\]"),
    ("rest", r""),
]


def lines_of(recording):
    command = ["perf", "report", "-i", recording, "--stdio", "--no-children", "-g", "none", "-F", "overhead,sym"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    for line in done.stdout.splitlines():
        if found := re.match(r"\s*([0-9.]+)%\s+(\[.\] .+?)\s*$", line):
            yield float(found[1]), found[2]


def group_of(symbol):
    return next(name for name, pattern in GROUPS if re.search(pattern, symbol))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recording", nargs="?", default="perf.data")
    parser.add_argument("--names", type=int, default=3, help="functions named per group")
    args = parser.parse_args()
    shares = collections.defaultdict(collections.Counter)
    for share, symbol in lines_of(args.recording):
        shares[group_of(symbol)][symbol[4:]] += share
    rows = []
    for name, _ in GROUPS:
        heaviest = [f"`{symbol}` {share:.1f}" for symbol, share in shares[name].most_common(args.names)]
        rows.append([name, f"{shares[name].total():.1f} %", ", ".join(heaviest)])
    rows.sort(key=lambda row: -float(row[1].split()[0]))
    print(table(["group", "share", "heaviest functions, %"], rows))


if __name__ == "__main__":
    main()
