"""Tiny models with wide random weights: what golden_models.py, golden_heads.py, golden_formats.py and check_folder.py share."""
import copy
import sys
import warnings
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file

warnings.filterwarnings("ignore")
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
DEFAULT = Path(__file__).resolve().parent.parent / "crates/cresset-model/tests/golden"
VERSIONS = {"transformers": transformers.__version__, "torch": torch.__version__}
SCORES = ("logits", "prediction_logits", "seq_relationship_logits", "sop_logits", "start_logits", "end_logits")
FIELDS = SCORES + ("last_hidden_state", "pooler_output", "encoder_last_hidden_state")
TABLES = ("embeddings", "shared", "wte", "wpe", "word_embedding", "mask_emb", "seg_embed", "embed_positions")
# Wider, so that the scores of few labels spread; T5 does not scale its scores, so its queries are narrower, as in its own initialisation.
HEADS = (
    ".classifier.weight", "seq_relationship.weight", "sop_classifier.weight", "classifier.out_proj.weight",
    "classification_head.out_proj.weight", "logits_proj.weight", "qa_outputs.weight",
)


def folder_of(name, tests=DEFAULT):
    """Where a case goes: the first argument's folder, or the tests' own."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else tests
    (out / name).mkdir(parents=True, exist_ok=True)
    return out / name


def randomise(model, seed, table=0.8, gain=1.2, bias=0.7):
    """Norms around one, biases and tables wide, matrices so that signals keep their size."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        tensors = list(model.named_parameters()) + [(n, b) for n, b in model.named_buffers() if n == "final_logits_bias"]
        for name, p in sorted(tensors):
            if "embed_positions" in name and model.config.model_type == "marian":
                continue
            noise = torch.randn(p.shape, generator=generator)
            if "norm" in name.lower() or ".ln_" in name:
                p.copy_(noise * 0.3 + (1.0 if name.endswith("weight") else 0.0))
            elif p.dim() == 1 or "bias" in name:
                p.copy_(noise * bias)
            elif any(part in name for part in TABLES):
                p.copy_(noise * table)
            else:
                # Matrices of [in, out] or [out, in]; XLNet's are [in, heads, head size] but for the last, [out, heads, head size].
                outward = ".c_" in name or (p.dim() == 3 and not name.endswith(".o"))
                fan_in = p.shape[0] if outward else p.numel() // p.shape[0]
                width = 4.0 if ("." + name).endswith(HEADS) else 0.4 * gain if name.endswith(".q.weight") else gain
                p.copy_(noise * width / fan_in**0.5)
    return model.eval()


def ids(vocab, rows, width, seed):
    return torch.randint(3, vocab - 1, (rows, width), generator=torch.Generator().manual_seed(seed))


def types(count, rows, width, seed):
    return torch.randint(0, count, (rows, width), generator=torch.Generator().manual_seed(seed))


def mask(lengths, width, side="right"):
    kept = torch.zeros(len(lengths), width, dtype=torch.long)
    for row, length in enumerate(lengths):
        kept[row, slice(0, length) if side == "right" else slice(width - length, width)] = 1
    return kept


def permutation(lengths, width, n_targets, seed):
    """The last places of a random order are targets, each seen only by targets after it; all others are seen by everyone."""
    generator = torch.Generator().manual_seed(seed)
    perm_mask = torch.zeros(len(lengths), width, width)
    target_mapping = torch.zeros(len(lengths), n_targets, width)
    for row, length in enumerate(lengths):
        targets = (width - length + torch.randperm(length, generator=generator)[-n_targets:]).tolist()
        for turn, place in enumerate(targets):
            perm_mask[row, :, place] = 1
            perm_mask[row, targets[turn + 1 :], place] = 0
            target_mapping[row, turn, place] = 1
    return dict(perm_mask=perm_mask, target_mapping=target_mapping)


def doubled(model):
    """The model in 64 bits."""
    exact = copy.deepcopy(model).double()
    if model.config.model_type == "xlnet":
        # Its position vectors are made in 32 bits whatever the weights are.
        base = getattr(exact, exact.base_model_prefix, exact)
        positions = base.relative_positional_encoding
        base.relative_positional_encoding = lambda *args, **named: positions(*args, **named).double()
    return exact


def exactly(model, inputs, **more):
    return doubled(model)(**inputs, **more)


@torch.no_grad()
def outputs(model, inputs):
    """The fields of the class's output, and always the last hidden state (the decoder's where there is one)."""
    out = model(**inputs)
    found = {name: out[name] for name in FIELDS if out.get(name) is not None}
    if "last_hidden_state" not in found:
        base = getattr(model, model.base_model_prefix, None)
        if base is None:
            found["last_hidden_state"] = model(**inputs, output_hidden_states=True).decoder_hidden_states[-1]
        else:
            found["last_hidden_state"] = base(**inputs).last_hidden_state
    return found


def write(folder, tensors):
    """Writes expected.safetensors, unless one with these very values is there: the order of its metadata is not fixed."""
    ready = {k: v.detach().to(torch.float32 if v.is_floating_point() else torch.int32).contiguous() for k, v in tensors.items()}
    path = folder / "expected.safetensors"
    there = load_file(path) if path.exists() else {}
    if there.keys() != ready.keys() or any(not torch.equal(there[k], ready[k]) for k in ready):
        save_file(ready, path, VERSIONS)


def store(folder, tensors):
    """Writes expected.safetensors, if the outputs in it spread widely enough."""
    for name in [n for n in SCORES if n in tensors] or ["last_hidden_state"]:
        values = tensors[name]
        spread = float(values[torch.isfinite(values)].std())
        assert spread > 1, (folder.name, name, spread)
    write(folder, tensors)
    print(f"{folder.name}: std of outputs {spread:.2f}, {sum(f.stat().st_size for f in folder.iterdir()) / 1024:.0f} KiB")


def save(name, model, tensors):
    folder = folder_of(name)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    store(folder, tensors)


def case(name, model, inputs):
    """A folder with every output of its class, which transformers reads back without a difference."""
    wide = {k: v.double() if v.is_floating_point() else v for k, v in inputs.items()}
    save(name, model, inputs | outputs(doubled(model), wide))
    read_back(folder_of(name), inputs)


@torch.no_grad()
def read_back(folder, inputs):
    """Checks that transformers finds every tensor of a folder and computes what we expect from it, in 32 bits."""
    config = transformers.AutoConfig.from_pretrained(folder)
    kind = getattr(transformers, config.architectures[0])
    model, info = kind.from_pretrained(folder, output_loading_info=True, dtype=torch.float32)
    left = {key: info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys") if info[key]}
    assert not left, (folder.name, left)
    expected = load_file(folder / "expected.safetensors")
    for name, ours in outputs(model.eval(), inputs).items():
        if name in expected:
            worst = (ours - expected[name]).abs().max().item()
            assert worst < 1e-4, (folder.name, name, worst)
