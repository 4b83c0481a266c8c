"""Writing 128 tokens in PyTorch with Hugging Face transformers, timed: the other side of `cresset bench CASE-generate`.

python scripts/torch_generate.py CASE [--batch 1] [--steps 12] [--threads 2]

CASE: gpt-6x384-generate (prompts of 16 tokens) | t5-4x256-generate (sources of 64). Eager, f32 on the CPU, `generate` with
greedy search and its cache, random weights; no row ends early. The time includes the reading of prompts or sources. Prints
one JSON line. Needs torch and transformers; scripts/bench_generate.py runs it next to ours.
"""
import argparse
import json
import resource
import statistics

import torch
import transformers
from torch_step import FIRST_WORD, WARM_UP, gpt_model, t5_model, timed

NEW_TOKENS = 128
VOCABULARY = 8192
# Name: the model and the tokens that it reads.
CASES = {
    "gpt-6x384-generate": (lambda: gpt_model(6, 384, VOCABULARY), 16),
    "t5-4x256-generate": (lambda: t5_model(4, 256, VOCABULARY), 64),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--steps", type=int, default=12, help=f"batches written; the first {WARM_UP} are warm-up")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    if args.steps <= WARM_UP:
        parser.error(f"--steps must be more than {WARM_UP}")

    torch.manual_seed(0)
    torch.set_num_threads(args.threads)
    make, length = CASES[args.case]
    model = make().eval()
    ids = torch.randint(FIRST_WORD, VOCABULARY, (args.batch, length))
    keep = torch.ones_like(ids)

    def write():
        written = model.generate(
            input_ids=ids, attention_mask=keep, min_new_tokens=NEW_TOKENS, max_new_tokens=NEW_TOKENS,
            do_sample=False, num_beams=1, use_cache=True, eos_token_id=1, pad_token_id=0,
        )
        # A T5 answers its start token and what follows, a GPT its prompt and what follows.
        in_front = 1 if model.config.is_encoder_decoder else length
        assert written.shape == (args.batch, in_front + NEW_TOKENS), written.shape

    seconds = [timed(write) for _ in range(args.steps)][WARM_UP:]
    median = statistics.median(seconds)
    print(json.dumps({
        "case": args.case,
        "threads": args.threads,
        "batch": args.batch,
        "new_tokens": NEW_TOKENS,
        "token_ms": round(median / NEW_TOKENS * 1e3, 3),
        "min_ms": round(min(seconds) / NEW_TOKENS * 1e3, 3),
        "max_ms": round(max(seconds) / NEW_TOKENS * 1e3, 3),
        "tokens_per_s": round(args.batch * NEW_TOKENS / median),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "parameters": sum(p.numel() for p in model.parameters()),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }))


if __name__ == "__main__":
    main()
