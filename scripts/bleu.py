"""Corpus BLEU by sacrebleu, with its signature: the check on our own `cresset-metrics`.

python scripts/bleu.py HYPOTHESES REFERENCES [--field text] [--reference-field target] [--tokenize 13a] [--chrf]

Each file is plain text, a segment a line, or JSON lines (name ends in .jsonl or .json), of which one field is read:
`text` of the hypotheses (what `cresset generate` writes), `target` of the references. Needs sacrebleu.
"""
import argparse
import json
import sys
from pathlib import Path

from sacrebleu.metrics import BLEU, CHRF


def segments(path, field):
    # Not splitlines(): it also splits at separators that may stand inside a segment.
    lines = path.read_text(encoding="utf-8").split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    if path.suffix not in (".jsonl", ".json"):
        return [line.rstrip("\r") for line in lines]
    found = []
    for number, line in enumerate(lines, 1):
        row = json.loads(line)
        if field not in row:
            sys.exit(f"{path}:{number} has no field {field!r}, only {', '.join(row)}")
        found.append(row[field])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("hypotheses", type=Path)
    parser.add_argument("references", type=Path)
    parser.add_argument("--field", default="text", help="of JSON hypotheses")
    parser.add_argument("--reference-field", default="target", help="of JSON references")
    parser.add_argument("--tokenize", default="13a", choices=["13a", "none", "char", "intl", "zh"])
    parser.add_argument("--chrf", action="store_true", help="print chrF2 and chrF2++ too")
    args = parser.parse_args()
    hypotheses = segments(args.hypotheses, args.field)
    references = segments(args.references, args.reference_field)
    if len(hypotheses) != len(references):
        sys.exit(f"{args.hypotheses} has {len(hypotheses)} segments but {args.references} has {len(references)}")
    metrics = [BLEU(tokenize=args.tokenize)]
    if args.chrf:
        metrics += [CHRF(), CHRF(word_order=2)]
    for metric in metrics:
        score = metric.corpus_score(hypotheses, [references])
        print(score.format(signature=str(metric.get_signature())))


if __name__ == "__main__":
    main()
