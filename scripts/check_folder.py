"""Holds model folders against transformers.

python scripts/check_folder.py [--cresset BINARY] [--tolerance 1e-4] FOLDER...      (needs torch, transformers)

Each folder is loaded by the class its config.json names: no tensor may be missing, unexpected or of another shape. Then random ids,
padded as the family pads, go through `BINARY forward` and through transformers: both must give the same fields, and the numbers must
agree within the tolerance; transformers computes in 64 bits, so that the difference is our own. If expected.safetensors lies in a
folder (inputs and outputs by transformers' names), transformers must give those outputs too. Exit code 1 if a folder fails.
`cargo run --release -p cresset-model --example folders -- DIR` writes folders with an expected.safetensors.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file

from tiny_models import FIELDS, doubled, ids, mask, outputs, permutation, types

INPUTS = ("input_ids", "attention_mask", "token_type_ids", "decoder_input_ids", "position_ids", "perm_mask", "target_mapping")


def check(folder, options):
    name = json.loads((folder / "config.json").read_text())["architectures"][0]
    model, info = getattr(transformers, name).from_pretrained(folder, output_loading_info=True, dtype=torch.float32)
    exact = doubled(model.eval())
    problems = [f"{key}: {sorted(info[key])}" for key in ("missing_keys", "unexpected_keys", "mismatched_keys") if info[key]]
    found = []
    if (folder / "expected.safetensors").exists():
        tensors = load_file(folder / "expected.safetensors")
        expected = {field: tensors[field] for field in FIELDS if field in tensors}
        inputs = {field: whole(tensors[field]) for field in INPUTS if field in tensors}
        found.append(("what lies in it", *compare(exact, inputs, expected, complete=False)))
    if options.cresset:
        for label, inputs in samples(name, model.config):
            tensors, complaint = ours(options.cresset, folder, inputs)
            found.append((label, {}, [complaint]) if complaint else (label, *compare(exact, inputs, tensors, complete=True)))
    for label, worst, failed in found:
        problems += [f"{label}: {failure}" for failure in failed]
        problems += [f"{label}: {field} differs by {by:.1e}" for field, by in worst.items() if not by < options.tolerance]
    largest = "; ".join(f"{label}: {len(worst)} fields within {max(worst.values(), default=0):.1e}" for label, worst, _ in found)
    print(f"{folder.name}: {name}, {'; '.join(problems) or 'nothing missing or unexpected'}; {largest or 'no numbers compared'}")
    return not problems


def whole(tensor):
    return tensor if tensor.is_floating_point() else tensor.long()


def compare(model, inputs, expected, complete):
    """The largest difference of each field, and fields that only one side has."""
    theirs = outputs(model, {k: v.double() if v.is_floating_point() else v for k, v in inputs.items()})
    failed = [f"transformers has no {field}" for field in expected if field not in theirs]
    if complete:
        failed += [f"we have no {field}" for field in theirs if field not in expected]
    kept = inputs["attention_mask"].bool()
    worst = {}
    for field in expected.keys() & theirs.keys():
        a, b = expected[field].double(), theirs[field].double()
        if a.shape != b.shape:
            failed.append(f"{field} is {list(a.shape)}, transformers' {list(b.shape)}")
            continue
        # Where padding stands on the left, the places of padding mean nothing.
        by_place = a.dim() == 3 or field in ("start_logits", "end_logits")
        if by_place and a.shape[:2] == kept.shape and not kept[:, 0].all():
            a, b = a[kept], b[kept]
        worst[field] = torch.where(a == b, 0.0, (a - b).abs()).nan_to_num(torch.inf).max().item()
    return worst, failed


def ours(binary, folder, inputs):
    """What `cresset forward` writes for these inputs, or what it complains of."""
    with tempfile.TemporaryDirectory() as place:
        given, written = Path(place) / "ids.json", Path(place) / "out.safetensors"
        given.write_text(json.dumps({name: values.tolist() for name, values in inputs.items()}))
        run = subprocess.run([binary, "forward", folder, "--input", given, "--output", written], capture_output=True, text=True)
        return ({}, run.stderr.strip()) if run.returncode else (load_file(written), "")


def samples(name, config):
    """Random inputs a class must agree on, with a word for each."""
    family = config.model_type
    sides = [config.encoder, config.decoder] if family == "encoder-decoder" else [config]
    width = min([13] + [places(side) for side in sides])
    lengths = [width, max(1, width // 3), max(1, width - 2)]
    left = family in ("xlnet", "gpt2")
    kept = mask(lengths, width, "left" if left else "right")
    pad = config.pad_token_id if config.pad_token_id is not None else 0
    words = plain_ids(config, sides[0].vocab_size, width, 1).where(kept == 1, pad)
    inputs = dict(input_ids=words, attention_mask=kept)
    segments = 3 if family == "xlnet" else getattr(config, "type_vocab_size", 0)
    if segments > 1:
        inputs["token_type_ids"] = types(segments, 3, width, 2)
    if family == "gpt2":
        inputs["position_ids"] = (kept.cumsum(1) - 1).clamp(min=0)
    if config.is_encoder_decoder:
        if name.endswith("SequenceClassification"):
            # The vector of the text's last end counts; transformers derives the decoder's input from the text.
            for row, length in enumerate(lengths):
                words[row, length - 1] = config.eos_token_id
            return [("random ids", inputs | dict(decoder_input_ids=shifted(words, config)))]
        inputs["decoder_input_ids"] = shifted(plain_ids(config, sides[-1].vocab_size, width - 1, 3), config)
    found = [("random ids", inputs)]
    if family == "xlnet" and name == "XLNetLMHeadModel":
        found.append(("permuted", inputs | permutation(lengths, width, min(3, min(lengths) - 1), 4)))
    return found


def places(config):
    """The longest text a model takes."""
    if config.model_type in ("xlnet", "t5"):
        return 13
    longest = config.n_positions if config.model_type == "gpt2" else config.max_position_embeddings
    return longest - (config.pad_token_id + 1 if config.model_type == "roberta" else 0)


def plain_ids(config, vocab_size, width, seed):
    """Random ids, none of which ends or fills a text."""
    words = ids(vocab_size, 3, width, seed)
    free = [i for i in range(3, vocab_size) if i not in (config.pad_token_id, config.eos_token_id)]
    return torch.tensor(free)[words % len(free)]


def shifted(words, config):
    start = config.decoder_start_token_id if config.decoder_start_token_id is not None else config.pad_token_id
    return torch.cat([torch.full_like(words[:, :1], start), words[:, :-1]], 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Holds model folders against transformers.")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--cresset", help="binary whose `forward` is compared, such as target/release/cresset")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    options = parser.parse_args()
    sys.exit(0 if all([check(folder, options) for folder in options.folders]) else 1)
