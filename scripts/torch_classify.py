"""Fine-tuning BERT 4 x 256 from random weights in PyTorch with Hugging Face transformers: the other side of configs/bench/sst2.toml.

python scripts/torch_classify.py TRAIN DEV [--epochs 5] [--threads 2] [--seed 0]

TRAIN and DEV hold JSON lines with `text` and `label`. As a user of the Trainer has it: a WordPiece vocabulary of 8000, trained on
TRAIN, lower case; frame [CLS] text [SEP], at most 128 tokens; a shuffled order each epoch, batches of 32 padded to their
longest row; AdamW with 3e-4 and weight decay 0.01 (none on biases and norms), linear schedule with a tenth of warm-up, gradients
clipped to norm 1, dropout 0.1; eager, f32 on the CPU. The rows are tokenized once before training.

Prints one JSON line: seconds of the epochs with their evaluations, seconds of the preparation, dev accuracy after each epoch.
Needs torch, transformers and tokenizers; scripts/bench_finetune.py runs it next to ours.
"""
import argparse
import json
import random
import resource
import sys
import time
from pathlib import Path

import tokenizers
import torch
import transformers
from tokenizers import normalizers, pre_tokenizers, processors, trainers

BATCH = 32
EVAL_BATCH = 64
LEARNING_RATE = 3e-4
MAX_LENGTH = 128
VOCABULARY = 8000


def rows_of(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines() if line]


def train_tokenizer(texts):
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=VOCABULARY, min_frequency=2, limit_alphabet=1000, show_progress=False,
        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
    )
    tokenizer.train_from_iterator(texts, trainer)
    ends = {token: tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]")}
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", ends["[SEP]"]), ("[CLS]", ends["[CLS]"]))
    tokenizer.enable_truncation(MAX_LENGTH)
    return tokenizer


def collate(rows):
    """Padded to the longest row, as DataCollatorWithPadding does."""
    width = max(len(ids) for ids, _ in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    keep = torch.zeros_like(ids)
    for at, (row, _) in enumerate(rows):
        ids[at, : len(row)] = torch.tensor(row)
        keep[at, : len(row)] = 1
    return {"input_ids": ids, "attention_mask": keep, "labels": torch.tensor([label for _, label in rows])}


def chunks(rows, size):
    return (rows[at : at + size] for at in range(0, len(rows), size))


def new_model(words, n_labels):
    config = transformers.BertConfig(
        vocab_size=words, hidden_size=256, num_hidden_layers=4, num_attention_heads=4, intermediate_size=1024, num_labels=n_labels,
    )
    return transformers.BertForSequenceClassification(config)


def optimizer_of(model):
    decayed, others = [], []
    for name, parameter in model.named_parameters():
        (others if name.endswith("bias") or "LayerNorm" in name else decayed).append(parameter)
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=LEARNING_RATE)


@torch.no_grad()
def accuracy(model, rows):
    model.eval()
    correct = 0
    for chunk in chunks(rows, EVAL_BATCH):
        batch = collate(chunk)
        correct += (model(**batch).logits.argmax(-1) == batch["labels"]).sum().item()
    model.train()
    return correct / len(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train")
    parser.add_argument("dev")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    order = random.Random(args.seed)
    began = time.perf_counter()
    train, dev = rows_of(args.train), rows_of(args.dev)
    tokenizer = train_tokenizer(row["text"] for row in train)
    labels = sorted({str(row["label"]) for row in train})
    train, dev = ([(tokenizer.encode(row["text"]).ids, labels.index(str(row["label"]))) for row in rows] for rows in (train, dev))
    model = new_model(tokenizer.get_vocab_size(), len(labels))
    optimizer = optimizer_of(model)
    steps = args.epochs * -(-len(train) // BATCH)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, steps // 10, steps)
    prepared = time.perf_counter()

    model.train()
    accuracies = []
    for epoch in range(args.epochs):
        order.shuffle(train)
        for chunk in chunks(train, BATCH):
            model(**collate(chunk)).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        accuracies.append(accuracy(model, dev))
        print(f"epoch {epoch + 1}: {accuracies[-1]:.4f}, {time.perf_counter() - prepared:.1f} s", file=sys.stderr)
    print(json.dumps({
        "seconds": round(time.perf_counter() - prepared, 2),
        "prepare_seconds": round(prepared - began, 2),
        "steps": steps,
        "accuracy": accuracies,
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "parameters": sum(p.numel() for p in model.parameters()),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }))


if __name__ == "__main__":
    main()
