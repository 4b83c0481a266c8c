"""Holds the event files of a run against its metrics.jsonl, as TensorBoard reads them.

python scripts/check_tensorboard.py RUN      (needs tensorboard; RUN was trained with train.tensorboard = true)
"""
import json
import math
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

run = Path(sys.argv[1])
board = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0})
board.Reload()
read = {tag: {event.step: event.value for event in board.Scalars(tag)} for tag in board.Tags()["scalars"]}
events = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def expected():
    for event in events:
        step = event["step"]
        if event["event"] == "step":
            for name in ("loss", "grad_norm", "lr", "tokens_per_second"):
                yield f"train/{name}", step, event[name]
        if event["event"] == "evaluated":
            for name, value in event["values"].items():
                yield f"eval/{name}", step, value
        if event["event"] == "special":
            for vector in event["vectors"]:
                if sum(v["role"] == vector["role"] for v in event["vectors"]) == 1:
                    for name in ("norm", "cosine_to_start", "gradient_norm", "update_ratio"):
                        yield f"special/{vector['role']}/{name}", step, vector[name]
            for of in event["attention"]:
                if sum((a["role"], a["stack"]) == (of["role"], of["stack"]) for a in event["attention"]) == 1:
                    for layer, heads in enumerate(of.get("to", [])):
                        yield f"attention/{of['stack']}/layer_{layer}/to_{of['role']}", step, sum(heads) / len(heads)
            if event["cloud"]:
                yield f"cloud/{event['cloud']['pooling']}/mean_cosine", step, event["cloud"]["mean_cosine"]


checked = 0
for tag, step, value in expected():
    if value is None or not math.isfinite(value):
        continue
    got = read[tag][step]
    assert math.isclose(got, value, rel_tol=1e-6, abs_tol=1e-12), (tag, step, got, value)
    checked += 1
last = max(event["step"] for event in events)
assert all(step <= last for steps in read.values() for step in steps), "a step that the run does not have"
print(f"{checked} numbers under {len(read)} tags are those of metrics.jsonl")
