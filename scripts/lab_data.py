"""The files that the studies of configs/lab/ read: labels as words, and held-out rows where a data set has none of its own.

python scripts/lab_data.py DATA OUT

DATA holds sst2/{train,dev}.jsonl and trec/train.jsonl, JSON lines with `text` and `label`, a number in trec. OUT gets sst2-train, sst2-dev,
trec-train and trec-dev (the last tenth of trec), with the class's name as `label`.
"""
import argparse
import json
from pathlib import Path

TREC = ["description", "entity", "abbreviation", "human", "location", "number"]


def rows_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def write(path, rows, names=None):
    """`names`: of the classes, where the rows have their numbers."""
    named = (row | {"label": names[row["label"]]} if names else row for row in rows)
    lines = (json.dumps(row, ensure_ascii=False) for row in named)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    print(path, len(rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for part in ("train", "dev"):
        write(args.out / f"sst2-{part}.jsonl", rows_of(args.data / "sst2" / f"{part}.jsonl"))
    trec = rows_of(args.data / "trec" / "train.jsonl")
    cut = len(trec) - len(trec) // 10
    write(args.out / "trec-train.jsonl", trec[:cut], TREC)
    write(args.out / "trec-dev.jsonl", trec[cut:], TREC)


if __name__ == "__main__":
    main()
