"""The files that the studies of configs/lab/ read: labels as words, and held-out rows where a data set has none of its own.

python scripts/lab_data.py DATA OUT

DATA holds sst2, trec, subj, stsb and chnsenticorp with train.jsonl (JSON lines with `text`, `pair`, `label`), sst2/dev.jsonl, and
clue_corpus/documents.txt. OUT gets sst2-train, sst2-dev, trec-train and trec-dev (the last tenth of trec) with the class's name as `label`, and the texts
to pre-train on, a blank line between documents: english.txt, every sentence of the English training data as a document, and chinese.txt,
the documents of clue_corpus and the training texts of chnsenticorp, a sentence a line.
"""
import argparse
import json
import re
from pathlib import Path

TREC = ["description", "entity", "abbreviation", "human", "location", "number"]


def rows_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def write(path, rows, names=None):
    """`names`: of the classes, where the rows have their numbers."""
    named = (row | {"label": names[row["label"]]} if names else row for row in rows)
    lines = (json.dumps(row, ensure_ascii=False) for row in named)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    print(path, len(rows))


def sentences(text):
    """Chinese text cut behind the signs that end a sentence."""
    return [part for part in re.split(r"(?<=[。！？!?])", " ".join(text.split())) if part.strip()]


def documents(path, texts, *files):
    """Each text a document, its sentences a line each, behind those of the files."""
    parts = [file.read_text(encoding="utf-8").strip("\n") for file in files]
    parts += ["\n".join(sentences(text)) for text in texts]
    path.write_text("\n\n".join(part for part in parts if part) + "\n", encoding="utf-8")
    print(path, len(parts))


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
    english = [rows_of(args.data / name / "train.jsonl") for name in ("sst2", "subj", "stsb")] + [trec[:cut]]
    texts = [text for rows in english for row in rows for text in (row["text"], row.get("pair")) if text]
    documents(args.out / "english.txt", texts)
    chinese = [row["text"] for row in rows_of(args.data / "chnsenticorp" / "train.jsonl")]
    documents(args.out / "chinese.txt", chinese, args.data / "clue_corpus" / "documents.txt")


if __name__ == "__main__":
    main()
