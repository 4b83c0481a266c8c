"""One BERT in the other forms that a folder's weights take, as golden_models.py does it.

python scripts/golden_formats.py [OUT_DIR]      (needs torch, transformers; default crates/cresset-model/tests/golden)

bert_pickled: PyTorch's own file, the norms spelled gamma and beta, the output layer's copy of the embedding stored beside it and the
position numbers that older versions kept. bert_sharded: two files and an index. bert_half: 16 bits (bfloat16); what is expected is
computed from the rounded weights.
"""
import json

import torch
from transformers import BertConfig, BertForMaskedLM

from tiny_models import doubled, folder_of, ids, mask, outputs, randomise, read_back, store, types

BERT = dict(
    vocab_size=37, hidden_size=21, num_hidden_layers=1, num_attention_heads=3, intermediate_size=31, max_position_embeddings=17,
    type_vocab_size=3,
)
INPUTS = dict(input_ids=ids(37, 3, 11, 70), attention_mask=mask([11, 4, 7], 11), token_type_ids=types(3, 3, 11, 71))


def masked_lm(seed):
    return randomise(BertForMaskedLM(BertConfig(**BERT)), seed)


def finish(folder, model):
    (folder / "generation_config.json").unlink(missing_ok=True)
    store(folder, INPUTS | outputs(doubled(model), INPUTS))
    read_back(folder, INPUTS)


def pickled():
    model = masked_lm(72)
    folder = folder_of("bert_pickled")
    model.config.architectures = ["BertForMaskedLM"]
    model.config.save_pretrained(folder)
    spelled = {name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): p
               for name, p in model.state_dict().items()}
    spelled["bert.embeddings.position_ids"] = torch.arange(17)[None]
    words = spelled["bert.embeddings.word_embeddings.weight"]
    assert spelled["cls.predictions.decoder.weight"].data_ptr() == words.data_ptr()
    torch.save(spelled, folder / "pytorch_model.bin")
    finish(folder, model)


def sharded():
    model = masked_lm(73)
    folder = folder_of("bert_sharded")
    model.save_pretrained(folder, max_shard_size="16KB")
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    assert len(set(index["weight_map"].values())) == 2
    finish(folder, model)


def half():
    model = masked_lm(74).to(torch.bfloat16)
    folder = folder_of("bert_half")
    model.save_pretrained(folder)
    finish(folder, model)


if __name__ == "__main__":
    pickled()
    sharded()
    half()
