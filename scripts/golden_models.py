"""Tiny models with wide random weights and the outputs transformers computes from them, for cresset-model's parity tests.

python scripts/golden_models.py [OUT_DIR]      (needs torch, transformers; default crates/cresset-model/tests/golden)

Each case is a Hugging Face folder as transformers saves it, with expected.safetensors beside: inputs, outputs and, for models that
generate, greedy continuations. Sizes are awkward on purpose (odd heads, head sizes that do not divide the width, ragged masks) and
weights wide enough that a missing bias, norm or bias table shows; a case whose logits have a standard deviation below 1 is refused.
Outputs are computed in 64 bits and rounded, so that a test measures our rounding errors and not the sum of ours and PyTorch's.
"""
import copy
import json
import sys
import warnings
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import (
    BertConfig, BertForMaskedLM, BertForSequenceClassification, BertModel, GPT2Config, GPT2LMHeadModel, MarianConfig, MarianMTModel,
    T5Config, T5ForConditionalGeneration,
)

warnings.filterwarnings("ignore")
transformers.logging.set_verbosity_error()
DEFAULT = Path(__file__).resolve().parent.parent / "crates/cresset-model/tests/golden"
OUT = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT

BERT = dict(
    vocab_size=37, hidden_size=21, num_hidden_layers=2, num_attention_heads=3, intermediate_size=31, max_position_embeddings=17,
    type_vocab_size=3,
)
MARIAN = dict(
    vocab_size=41, decoder_layers=3, encoder_layers=2, max_position_embeddings=19, pad_token_id=40, decoder_start_token_id=40,
    eos_token_id=0, forced_eos_token_id=None,
)
T5 = dict(
    vocab_size=43, d_model=22, d_kv=5, d_ff=33, num_layers=2, num_decoder_layers=3, num_heads=3, relative_attention_num_buckets=12,
    relative_attention_max_distance=20, decoder_start_token_id=0,
)
GPT2 = dict(vocab_size=39, n_embd=21, n_layer=3, n_head=3, n_positions=23, bos_token_id=1, eos_token_id=2, pad_token_id=0)


def randomise(model, seed, table=0.8, gain=1.2):
    """Norms around one, biases and tables wide, matrices so that signals keep their size."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        tensors = list(model.named_parameters()) + [(n, b) for n, b in model.named_buffers() if n == "final_logits_bias"]
        for name, p in sorted(tensors):
            if "embed_positions" in name:
                continue
            noise = torch.randn(p.shape, generator=generator)
            if "norm" in name.lower() or ".ln_" in name:
                p.copy_(noise * 0.3 + (1.0 if name.endswith("weight") else 0.0))
            elif p.dim() == 1 or "bias" in name:
                p.copy_(noise * 0.7)
            elif any(part in name for part in ("embeddings", "shared", "wte", "wpe")):
                p.copy_(noise * table)
            else:
                fan_in = p.shape[0] if ".c_" in name else p.shape[1]
                # T5 does not scale its scores, so its queries are narrower, as in its own initialisation.
                width = {"classifier.weight": 4.0, "q.weight": 0.4 * gain}.get(".".join(name.split(".")[-2:]), gain)
                p.copy_(noise * width / fan_in**0.5)
    return model.eval()


def ids(vocab, rows, width, seed):
    return torch.randint(3, vocab - 1, (rows, width), generator=torch.Generator().manual_seed(seed))


def mask(lengths, width, side="right"):
    kept = torch.zeros(len(lengths), width, dtype=torch.long)
    for row, length in enumerate(lengths):
        kept[row, slice(0, length) if side == "right" else slice(width - length, width)] = 1
    return kept


def exactly(model, inputs, **more):
    return copy.deepcopy(model).double()(**inputs, **more)


def save(name, model, tensors):
    logits = tensors.get("logits", tensors.get("last_hidden_state"))
    spread = float(logits[torch.isfinite(logits)].std())
    assert spread > 1, (name, spread)
    folder = OUT / name
    model.save_pretrained(folder)
    ready = {k: v.to(torch.float32 if v.is_floating_point() else torch.int32).contiguous() for k, v in tensors.items()}
    save_file(ready, folder / "expected.safetensors", {"transformers": transformers.__version__, "torch": torch.__version__})
    (folder / "generation_config.json").unlink(missing_ok=True)
    print(f"{name}: std of outputs {spread:.2f}, {sum(f.stat().st_size for f in folder.iterdir()) / 1024:.0f} KiB")


@torch.no_grad()
def bert():
    inputs = dict(
        input_ids=ids(37, 3, 11, 1), attention_mask=mask([11, 4, 7], 11),
        token_type_ids=torch.randint(0, 3, (3, 11), generator=torch.Generator().manual_seed(2)),
    )
    model = randomise(BertForMaskedLM(BertConfig(**BERT)), 3)
    save("bert_masked_lm", model, inputs | dict(logits=exactly(model, inputs).logits))
    model = randomise(BertForSequenceClassification(BertConfig(num_labels=5, **BERT)), 4)
    save("bert_classifier", model, inputs | dict(logits=exactly(model, inputs).logits))
    model = randomise(BertModel(BertConfig(hidden_act="relu", **BERT)), 5)
    out = exactly(model, inputs)
    save("bert_model", model, inputs | dict(last_hidden_state=out.last_hidden_state, pooler_output=out.pooler_output))


@torch.no_grad()
def seq2seq(name, model, vocab, source, lengths):
    inputs = dict(
        input_ids=ids(vocab, len(lengths), source, 6), attention_mask=mask(lengths, source), decoder_input_ids=ids(vocab, len(lengths), 9, 7),
    )
    inputs["decoder_input_ids"][:, 0] = model.config.decoder_start_token_id
    out = exactly(model, inputs, output_hidden_states=True)
    generated = model.generate(
        input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], max_new_tokens=12, do_sample=False, num_beams=1,
        use_cache=False,  # transformers 5.24 sizes the decoder's cache by the encoder's layers
    )
    save(name, model, inputs | dict(
        logits=out.logits, last_hidden_state=out.decoder_hidden_states[-1], encoder_last_hidden_state=out.encoder_last_hidden_state,
        generated=generated,
    ))


@torch.no_grad()
def gpt2():
    model = randomise(GPT2LMHeadModel(GPT2Config(n_inner=50, **GPT2)), 8, gain=2.5)
    kept = mask([9, 3, 6], 9, "left")
    inputs = dict(input_ids=ids(39, 3, 9, 9), attention_mask=kept, position_ids=(kept.cumsum(1) - 1).clamp(min=0))
    out = exactly(model, inputs, output_hidden_states=True)
    generated = model.generate(
        input_ids=inputs["input_ids"], attention_mask=kept, max_new_tokens=12, do_sample=False, num_beams=1,
    )[:, 9:]
    save("gpt2", model, inputs | dict(logits=out.logits, last_hidden_state=out.hidden_states[-1], generated=generated))


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    bert()
    swish = MarianConfig(
        d_model=24, encoder_attention_heads=3, decoder_attention_heads=4, encoder_ffn_dim=33, decoder_ffn_dim=29,
        activation_function="swish", scale_embedding=True, **MARIAN,
    )
    seq2seq("marian_swish", randomise(MarianMTModel(swish), 10, 0.5), 41, 13, [13, 2, 8])
    odd = MarianConfig(
        d_model=15, encoder_attention_heads=3, decoder_attention_heads=5, encoder_ffn_dim=17, decoder_ffn_dim=18,
        activation_function="relu", **MARIAN,
    )
    seq2seq("marian_odd", randomise(MarianMTModel(odd), 11, 0.5), 41, 13, [5, 13, 1])
    seq2seq("t5_relu", randomise(T5ForConditionalGeneration(T5Config(**T5)), 12, 2.0, 2.5), 43, 27, [27, 5, 16])
    gated = T5Config(feed_forward_proj="gated-gelu", tie_word_embeddings=False, **T5)
    seq2seq("t5_gated", randomise(T5ForConditionalGeneration(gated), 13, 1.0, 1.5), 43, 27, [27, 5, 16])
    gpt2()
    versions = {"transformers": transformers.__version__, "torch": torch.__version__}
    (OUT / "versions.json").write_text(json.dumps(versions, indent=2) + "\n")
