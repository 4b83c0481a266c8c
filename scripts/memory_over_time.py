"""Runs a command and tells how much memory it took over time.

    python scripts/memory_over_time.py -- target/release/cresset train c.toml

Memory that belongs to the process (RssAnon) is told apart from file pages that are mapped or cached (RssFile), which the
system takes back when it needs them. Linux only.
"""

import argparse
import json
import subprocess
import time


def sample(pid):
    """RssAnon and RssFile in MiB; None once the process is gone."""
    found = {}
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                name, _, value = line.partition(":")
                if name in ("RssAnon", "RssFile"):
                    found[name] = int(value.split()[0]) / 1024
    except (FileNotFoundError, ProcessLookupError):
        return None
    return found if len(found) == 2 else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=float, default=0.1, help="seconds between two looks")
    parser.add_argument("--points", type=int, default=12, help="points of the course that is printed")
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    began = time.monotonic()
    process = subprocess.Popen(args.command)
    course = []
    while process.poll() is None:
        seen = sample(process.pid)
        if seen:
            course.append((time.monotonic() - began, seen["RssAnon"], seen["RssFile"]))
        time.sleep(args.every)
    step = max(1, len(course) // args.points)
    print(
        json.dumps(
            {
                "seconds": round(time.monotonic() - began, 1),
                "peak_anon_mib": round(max((anon for _, anon, _ in course), default=0), 1),
                "peak_file_mib": round(max((file for *_, file in course), default=0), 1),
                "course_s_anon_mib": [[round(at, 1), round(anon)] for at, anon, _ in course[::step]],
            }
        )
    )
    return process.returncode


if __name__ == "__main__":
    raise SystemExit(main())
