"""The events of the test of cresset-runner's tensorboard.rs, as TensorBoard's own writer writes them.

python scripts/golden_tensorboard.py      (needs tensorboard; writes crates/cresset-runner/tests/golden/events.tfevents)
"""
import io

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

values = [("eval/accuracy", 0.75), ("eval/loss", 0.5), ("eval_seconds", 1.0)]
summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values])
events = [
    Event(wall_time=1_700_000_000.5, file_version="brain.Event:2"),
    Event(wall_time=1_700_000_001.5, step=1, session_log=SessionLog(status=SessionLog.START)),
    Event(wall_time=1_700_000_002.5, step=300, summary=summary),
]
out = io.BytesIO()
writer = RecordWriter(out)
for event in events:
    writer.write(event.SerializeToString())
with open("crates/cresset-runner/tests/golden/events.tfevents", "wb") as file:
    file.write(out.getvalue())
