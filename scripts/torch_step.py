"""One training step in PyTorch with Hugging Face transformers, timed: the other side of `cresset bench`.

python scripts/torch_step.py CASE [--steps 12] [--threads 2] [--heads-at all|masked] [--seq N] [--batch N] [--vocab N]

Eager mode, training mode with dropout 0.1, AdamW, f32 on the CPU. With `--heads-at all` a masked language model gets
logits at every position, as transformers does; with `masked` only where there is a target, as a careful user would
write it. `--seq`, `--batch` and `--vocab` replace the sizes of a BERT case. Prints one JSON line. Needs torch and
transformers; scripts/bench_step.py and bench_scaling.py run it next to ours.
"""
import argparse
import json
import resource
import statistics
import time

import torch
import torch.nn.functional as F
import transformers
from torch.utils.flop_counter import FlopCounterMode

WARM_UP = 2
FIRST_WORD = 5  # ids below are special tokens


def words(vocab, batch, length):
    return torch.randint(FIRST_WORD, vocab, (batch, length))


def bert(layers, hidden, vocab, batch, heads_at, length):
    config = transformers.BertConfig(
        vocab_size=vocab, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=hidden // 64,
        intermediate_size=4 * hidden, max_position_embeddings=length,
    )
    model = transformers.BertForMaskedLM(config)
    ids = words(vocab, batch, length)
    keep = torch.ones_like(ids)
    chosen = torch.rand(ids.shape) < 0.15
    chosen[0, 0] = True  # a small batch may have drawn none
    labels = ids.masked_fill(~chosen, -100)

    def loss_everywhere():
        return model(input_ids=ids, attention_mask=keep, labels=labels).loss

    def loss_at_targets():
        states = model.bert(input_ids=ids, attention_mask=keep).last_hidden_state
        return F.cross_entropy(model.cls(states[chosen]), ids[chosen])

    return model, loss_everywhere if heads_at == "all" else loss_at_targets, ids.numel()


def gpt_model(layers, hidden, vocab, context=256):
    config = transformers.GPT2Config(
        vocab_size=vocab, n_positions=context, n_embd=hidden, n_layer=layers, n_head=hidden // 64, bos_token_id=1, eos_token_id=1,
    )
    return transformers.GPT2LMHeadModel(config)


def gpt(layers, hidden, vocab, batch, context=256):
    model = gpt_model(layers, hidden, vocab, context)
    ids = words(vocab, batch, context)
    return model, lambda: model(input_ids=ids, labels=ids).loss, ids.numel()


def t5_model(layers, hidden, vocab):
    config = transformers.T5Config(
        vocab_size=vocab, d_model=hidden, d_kv=64, d_ff=4 * hidden, num_layers=layers, num_heads=hidden // 64, decoder_start_token_id=0,
    )
    return transformers.T5ForConditionalGeneration(config)


def t5(layers, hidden, vocab, batch, source=64, target=64):
    model = t5_model(layers, hidden, vocab)
    ids, labels = words(vocab, batch, source), words(vocab, batch, target)
    keep = torch.ones_like(ids)
    return model, lambda: model(input_ids=ids, attention_mask=keep, labels=labels).loss, ids.numel() + labels.numel()


# The BERT cases, with the sizes that the command line may replace.
BERTS = {
    "bert-4x256": {"layers": 4, "hidden": 256, "vocab": 8192, "batch": 16, "length": 128},
    "bert-8x512": {"layers": 8, "hidden": 512, "vocab": 30522, "batch": 8, "length": 128},
}
OTHERS = {
    "gpt-6x384": lambda: gpt(6, 384, vocab=8192, batch=8),
    "t5-4x256": lambda: t5(4, 256, vocab=8192, batch=16),
}


def timed(work):
    start = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def product_gflop_per_s(size=2048):
    """The best of a few large matrix products: the speed that no step can beat."""
    a, b = torch.rand(size, size), torch.rand(size, size)
    return 2 * size**3 / min(timed(lambda: a @ b) for _ in range(5)) / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("case", choices=[*BERTS, *OTHERS])
    parser.add_argument("--steps", type=int, default=12, help=f"the first {WARM_UP} are warm-up")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--heads-at", choices=["all", "masked"], default="all")
    parser.add_argument("--seq", dest="length", type=int, help="tokens of a row of a BERT case")
    parser.add_argument("--batch", type=int, help="rows of a BERT case")
    parser.add_argument("--vocab", type=int, help="words of a BERT case")
    parser.add_argument("--device", default="cpu", help="cpu or cuda; both in full f32")
    args = parser.parse_args()
    if args.steps <= WARM_UP:
        parser.error(f"--steps must be more than {WARM_UP}")
    sizes = {name: value for name in ("length", "batch", "vocab") if (value := getattr(args, name)) is not None}
    if sizes and args.case not in BERTS:
        parser.error(f"--seq, --batch and --vocab are for {', '.join(BERTS)}; {args.case} has its own sizes")

    torch.manual_seed(0)
    torch.set_num_threads(args.threads)
    torch.set_default_device(args.device)
    if args.case in BERTS:
        model, loss, tokens = bert(**BERTS[args.case] | sizes, heads_at=args.heads_at)
    else:
        model, loss, tokens = OTHERS[args.case]()
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)

    def step():
        loss().backward()
        optimizer.step()
        optimizer.zero_grad()

    seconds = [timed(step) for _ in range(args.steps)][WARM_UP:]
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with FlopCounterMode(display=False) as counter:
        step()
    median = statistics.median(seconds)
    print(json.dumps({
        "case": args.case,
        "heads_at": args.heads_at,
        "threads": args.threads,
        "tokens": tokens,
        "step_ms": round(median * 1e3, 1),
        "min_ms": round(min(seconds) * 1e3, 1),
        "max_ms": round(max(seconds) * 1e3, 1),
        "tokens_per_s": round(tokens / median),
        "peak_mib": round(peak_mib),
        "parameters": sum(p.numel() for p in model.parameters()),
        "step_gflop": round(counter.get_total_flops() / 1e9, 1),
        "product_gflop_per_s": round(product_gflop_per_s(), 1),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }))


if __name__ == "__main__":
    main()
