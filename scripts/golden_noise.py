"""Golden figures of cresset-data's noise functions: rates and structure of Hugging Face's collators.

    python scripts/golden_noise.py

Writes tests/golden/noise.json. Needs torch and transformers.
"""
import json
from pathlib import Path

import numpy
import tokenizers
import torch
import transformers
from transformers import (
    DataCollatorForLanguageModeling,
    DataCollatorForPermutationLanguageModeling,
    PreTrainedTokenizerFast,
)

GOLDEN = Path(__file__).resolve().parent.parent / "crates/cresset-data/tests/golden"
SPECIAL = ["<pad>", "<cls>", "<sep>", "<mask>"]
SIZE = 1000
PAD, CLS, SEP, MASK = 0, 1, 2, 3


def tokenizer():
    vocabulary = {token: i for i, token in enumerate(SPECIAL + [f"t{i}" for i in range(len(SPECIAL), SIZE)])}
    model = tokenizers.models.WordLevel(vocabulary, unk_token="<pad>")
    names = dict(zip(["pad_token", "cls_token", "sep_token", "mask_token"], SPECIAL))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizers.Tokenizer(model), **names)


def tokens(draws=2000, n_tokens=120):
    """Ordinary tokens between two special ones, masked by the collator's defaults."""
    special = torch.tensor([1] + [0] * n_tokens + [1]).expand(draws, -1)
    ids = torch.full((draws, n_tokens + 2), 10)
    collator = DataCollatorForLanguageModeling(tokenizer(), seed=1)
    collator.create_rng()
    now, labels = collator.torch_mask_tokens(ids.clone(), special_tokens_mask=special)
    target = labels != -100
    assert not target[:, [0, -1]].any() and (labels[target] == 10).all() and (now[~target] == 10).all()
    return {
        "rate": float(target[:, 1:-1].float().mean()),
        "masked": float((now[target] == MASK).float().mean()),
        "kept": float((now[target] == 10).float().mean()),
    }


def whole_word(draws=2000, n_tokens=120):
    """Words of 1, 2 and 3 tokens between two special ones."""
    words = []
    while len(words) < n_tokens:
        word = words[-1] + 1 if words else 0
        words += [word] * (1 + word % 3)
    words = numpy.array(words[:n_tokens])
    # A token is one character long; words have a space between them.
    starts = numpy.arange(n_tokens) + words
    offsets = [(0, 0), *zip(starts, starts + 1), (0, 0)]
    offsets = torch.tensor(numpy.array(offsets)).expand(draws, -1, -1)
    special = torch.tensor([1] + [0] * n_tokens + [1]).expand(draws, -1)
    ids = torch.full((draws, n_tokens + 2), 10)
    collator = DataCollatorForLanguageModeling(
        tokenizer(), whole_word_mask=True, mask_replace_prob=1.0, random_replace_prob=0.0, seed=1
    )
    collator.create_rng()
    _, labels = collator.torch_mask_tokens(ids, special_tokens_mask=special, offset_mapping=offsets)
    hidden = (labels != -100).numpy()
    assert not hidden[:, [0, -1]].any()
    hidden = hidden[:, 1:-1]
    shares = numpy.stack([hidden[:, words == word].mean(axis=1) for word in range(words[-1] + 1)])
    return {
        "rate": float(hidden.mean()),
        "words_partly_masked": float(((shares > 0) & (shares < 1)).mean()),
    }


def permutation(draws=1000):
    torch.manual_seed(1)
    collator = DataCollatorForPermutationLanguageModeling(tokenizer())
    rates, selves, context, one_way = {}, [], [], []
    for length in [12, 60, 256]:
        n_targets = 0
        for _ in range(draws):
            ids = torch.tensor([[10] * (length - 2) + [SEP, CLS]])
            _, hidden, _, labels = collator.torch_mask_tokens(ids)
            hidden, target = hidden[0] == 1, labels[0] != -100
            n_targets += int(target.sum())
            ordinary = ~target
            ordinary[-2:] = False
            among = hidden[target][:, target]
            selves.append((~among.diagonal()).numpy())
            context.append((~hidden[ordinary][:, target]).flatten().numpy())
            pairs = (among ^ among.T)[torch.ones_like(among).triu(1)]
            one_way.append(pairs.numpy())
        rates[str(length)] = n_targets / draws / length
    return {
        "rates": rates,
        "targets_that_see_themselves": float(numpy.concatenate(selves).mean()),
        "context_that_sees_targets": float(numpy.concatenate(context).mean()),
        "pairs_of_targets_seen_one_way": float(numpy.concatenate(one_way).mean()),
    }


figures = {
    "transformers": transformers.__version__,
    "tokens": tokens(),
    "whole_word": whole_word(),
    "permutation": permutation(),
}
(GOLDEN / "noise.json").write_text(json.dumps(figures, indent=1) + "\n")
