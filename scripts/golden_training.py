"""Ten AdamW steps of PyTorch on one tiny model of each shape, for cresset-objectives' training parity test.

python scripts/golden_training.py [OUT_DIR]      (needs torch, transformers; default crates/cresset-objectives/tests/golden)

Each case is a Hugging Face folder with the initial weights (initialised as transformers does, only wider, so that gradients are not
tiny; no dropout) and expected.safetensors: two ragged micro-batches, which every step sees both, the gradient of every parameter before
the first step, the loss of each step and the weights after the last. The loss is the mean over the targets of both batches together.
Weight decay acts where transformers' Trainer lets it: on no bias and no norm; it is large, so that a parameter in the wrong group shows.
All is computed in 64 bits and rounded.
"""
from pathlib import Path

import torch
from transformers import BertConfig, BertForMaskedLM, GPT2Config, GPT2LMHeadModel, T5Config, T5ForConditionalGeneration, Trainer

from tiny_models import doubled, folder_of, ids, mask, types, write

OUT = Path(__file__).resolve().parent.parent / "crates/cresset-objectives/tests/golden"
STEPS, LR, WEIGHT_DECAY = 10, 3e-3, 0.1
LENGTHS = [[9, 4, 6], [2, 7]]
IGNORED = -100


def masked_lm():
    config = BertConfig(
        vocab_size=29, hidden_size=15, num_hidden_layers=2, num_attention_heads=3, intermediate_size=19, max_position_embeddings=11,
        type_vocab_size=2, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, initializer_range=0.2,
    )
    batches = []
    for n, lengths in enumerate(LENGTHS):
        words, kept = ids(29, len(lengths), max(lengths), n), mask(lengths, max(lengths))
        hidden = (torch.rand(words.shape, generator=torch.Generator().manual_seed(10 + n)) < 0.4) & (kept == 1)
        assert hidden.any()
        batches.append(dict(
            input_ids=words.where(~hidden, 4).where(kept == 1, 0), attention_mask=kept,
            token_type_ids=types(2, *words.shape, 20 + n) * kept, labels=words.where(hidden, IGNORED),
        ))
    train("training_bert", BertForMaskedLM, config, batches)


def seq2seq():
    config = T5Config(
        vocab_size=31, d_model=14, d_kv=5, d_ff=17, num_layers=2, num_heads=3, relative_attention_num_buckets=8,
        relative_attention_max_distance=9, decoder_start_token_id=0, dropout_rate=0.0,
    )
    batches = []
    for n, (lengths, targets) in enumerate(zip(LENGTHS, [[3, 6, 1], [5, 4]])):
        kept = mask(lengths, max(lengths))
        labels = ids(31, len(targets), max(targets), 40 + n).where(mask(targets, max(targets)) == 1, IGNORED)
        shifted = torch.cat([torch.zeros_like(labels[:, :1]), labels[:, :-1].clamp(min=0)], 1)
        words = ids(31, *kept.shape, 30 + n).where(kept == 1, 0)
        batches.append(dict(input_ids=words, attention_mask=kept, decoder_input_ids=shifted, labels=labels))
    train("training_t5", T5ForConditionalGeneration, config, batches)


def causal_lm():
    config = GPT2Config(
        vocab_size=29, n_embd=15, n_layer=2, n_head=3, n_positions=11, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        initializer_range=0.2, bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )
    batches = []
    for n, lengths in enumerate(LENGTHS):
        text, kept = ids(29, len(lengths), max(lengths) + 1, 50 + n), mask(lengths, max(lengths))
        batches.append(dict(
            input_ids=text[:, :-1].where(kept == 1, 0), attention_mask=kept, labels=text[:, 1:].where(kept == 1, IGNORED),
        ))
    train("training_gpt2", GPT2LMHeadModel, config, batches)


def train(name, kind, config, batches):
    """Writes a case; labels stand where their logits are, so that nothing is shifted here."""
    torch.manual_seed(7)
    model = kind(config).eval()
    folder = folder_of(name, OUT)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    model = doubled(model)
    decaying = set(Trainer.get_decay_parameter_names(None, model))
    groups = [
        {"params": [p for n, p in model.named_parameters() if n in decaying], "weight_decay": WEIGHT_DECAY},
        {"params": [p for n, p in model.named_parameters() if n not in decaying], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=LR, betas=(0.9, 0.999), eps=1e-8)
    n_targets = sum(int((batch["labels"] != IGNORED).sum()) for batch in batches)
    tensors, losses = {f"batch.{i}.{key}": value for i, batch in enumerate(batches) for key, value in batch.items()}, []
    for step in range(STEPS):
        optimizer.zero_grad()
        losses.append(0.0)
        for batch in batches:
            logits = model(**{key: value for key, value in batch.items() if key != "labels"}).logits
            loss = torch.nn.functional.cross_entropy(
                logits.flatten(0, 1), batch["labels"].flatten(), ignore_index=IGNORED, reduction="sum",
            ) / n_targets
            loss.backward()
            losses[-1] += loss.item()
        if step == 0:
            tensors |= {f"gradient.{n}": p.grad.clone() for n, p in model.named_parameters()}
        optimizer.step()
    tensors |= {f"final.{n}": p for n, p in model.named_parameters()}
    write(folder, tensors | {"losses": torch.tensor(losses)})
    print(f"{name}: loss {losses[0]:.4f} to {losses[-1]:.4f}, {sum(f.stat().st_size for f in folder.iterdir()) / 1024:.0f} KiB")


if __name__ == "__main__":
    masked_lm()
    seq2seq()
    causal_lm()
