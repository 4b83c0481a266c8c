"""Small Parquet files as pyarrow writes them, for the test of cresset-data's reader.

python scripts/golden_parquet.py [OUT_DIR]      (needs pyarrow; default crates/cresset-data/tests/golden)

rows.parquet: every kind of field in two row groups, snappy, with a dictionary. nested.parquet: structs, lists and answers as they are
passed on with questions, zstd. plain.parquet: text without a mark that it is text, integers as labels, gzip, no dictionary.
"""
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else "crates/cresset-data/tests/golden")


def write(name, table, **options):
    pq.write_table(table, OUT / name, store_schema=False, **options)
    print(OUT / name, (OUT / name).stat().st_size)


def rows():
    return pa.table({
        "id": pa.array([7, 8, 9], pa.int64()),
        "text": pa.array(["ein schöner Film", "", "a fine film"]),
        "pair": pa.array(["b", None, "c"]),
        "label": pa.array(["pos", "neg", "pos"]).dictionary_encode(),
        "score": pa.array([1.5, None, -2.0], pa.float32()),
        "target": pa.array(["x", "y", None]),
        "unread": pa.array([[1], [], None], pa.list_(pa.int32())),
    })


def nested():
    answers = pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int32()))])
    return pa.table({
        "article": pa.array([{"body": "when ?", "n": 1}, {"body": "who ?", "n": 2}]),
        "turns": pa.array([[{"content": "in 1912"}], [{"content": "it was her"}, {"content": "z"}]]),
        "answers": pa.array([{"text": ["1912"], "answer_start": [3]}, {"text": ["her"], "answer_start": [7]}], answers),
        "tags": pa.array([["a", "b"], []], pa.list_(pa.string())),
    })


def plain():
    return pa.table({
        "sentence": pa.array([b"one", b"two", b"three"], pa.binary()),
        "label": pa.array([0, 1, 0], pa.int8()),
    })


OUT.mkdir(parents=True, exist_ok=True)
write("rows.parquet", rows(), compression="snappy", row_group_size=2)
write("nested.parquet", nested(), compression="zstd")
write("plain.parquet", plain(), compression="gzip", use_dictionary=False)
