"""Holds model folders against transformers.

python scripts/check_folder.py FOLDER...      (needs torch, transformers)

Each folder is loaded by the class its config.json names: no key may be missing, unexpected or of another shape. If expected.safetensors
lies in it (inputs by transformers' names, and `logits`), transformers' logits must be within 1e-4. Exit code 1 if a folder fails.
`cargo run --release -p cresset-model --example folders -- DIR` writes such folders.
"""
import json
import sys
import warnings
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file

warnings.filterwarnings("ignore")
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
INPUTS = ("input_ids", "attention_mask", "token_type_ids", "decoder_input_ids", "position_ids")


def check(folder):
    config = json.loads((folder / "config.json").read_text())
    kind = getattr(transformers, config["architectures"][0])
    model, info = kind.from_pretrained(folder, output_loading_info=True)
    problems = [f"{key}: {sorted(info[key])}" for key in ("missing_keys", "unexpected_keys", "mismatched_keys") if info[key]]
    difference = "no expected.safetensors"
    expected = folder / "expected.safetensors"
    if expected.exists():
        tensors = load_file(expected)
        with torch.no_grad():
            logits = model.eval()(**{name: tensors[name].long() for name in INPUTS if name in tensors}).logits
        # Where a decoder is padded on the left, the rows of padding mean nothing.
        kept = tensors["attention_mask"].bool().flatten() if "position_ids" in tensors else slice(None)
        worst = (logits.flatten(0, -2)[kept] - tensors["logits"].reshape(-1, logits.shape[-1])[kept]).abs().max().item()
        difference = f"logits differ by {worst:.1e}"
        if not worst < 1e-4:
            problems.append(difference)
    print(f"{folder.name}: {kind.__name__}, {'; '.join(problems) or 'no missing or unexpected keys'}; {difference}")
    return not problems


if __name__ == "__main__":
    results = [check(Path(folder)) for folder in sys.argv[1:]]
    sys.exit(0 if results and all(results) else 1)
