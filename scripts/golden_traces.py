"""Hidden states and attention probabilities that transformers computes from some of the golden folders, for the tests of `cresset forward`.

python scripts/golden_traces.py [OUT_DIR]      (needs torch, transformers; default crates/cresset-model/tests/golden)

Writes traces.safetensors beside a folder's expected.safetensors, whose inputs it takes, under transformers' own names with the number of
the layer behind: hidden_states.0, attentions.0, and of encoder-decoders encoder_hidden_states.0, cross_attentions.0 and so on. A cell of
attention whose query is padding is kept too: it sees what the others see.
"""
import torch
import transformers
from safetensors.torch import load_file, save_file

from tiny_models import VERSIONS, doubled, folder_of

CASES = ("albert_model", "bart", "bert2bert", "bert_model", "gpt2", "marian_odd", "roberta_model", "t5_gated", "xlnet_model")
INPUTS = ("input_ids", "attention_mask", "token_type_ids", "position_ids", "decoder_input_ids")
FIELDS = (
    "hidden_states", "attentions", "encoder_hidden_states", "encoder_attentions", "decoder_hidden_states", "decoder_attentions",
    "cross_attentions",
)


@torch.no_grad()
def main():
    for case in CASES:
        folder = folder_of(case)
        config = transformers.AutoConfig.from_pretrained(folder)
        kind = getattr(transformers, config.architectures[0])
        # The other implementations compute no probabilities.
        model = doubled(kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval())
        inputs = {name: tensor.long() for name, tensor in load_file(folder / "expected.safetensors").items() if name in INPUTS}
        out = model(**inputs, output_hidden_states=True, output_attentions=True)
        found = {
            f"{field}.{i}": tensor.float().contiguous()
            for field in FIELDS for i, tensor in enumerate(out.get(field) or ())
        }
        assert any("hidden_states" in name for name in found) and any("attentions" in name for name in found), case
        path = folder / "traces.safetensors"
        there = load_file(path) if path.exists() else {}
        if there.keys() != found.keys() or any(not torch.equal(there[name], found[name]) for name in found):
            save_file(found, path, VERSIONS)
        print(f"{case}: {len(found)} tensors, {path.stat().st_size / 1024:.0f} KiB")


main()
