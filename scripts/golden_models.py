"""Tiny models with wide random weights and the outputs transformers computes from them, for cresset-model's parity tests.

python scripts/golden_models.py [OUT_DIR]      (needs torch, transformers; default crates/cresset-model/tests/golden)

Each case is a Hugging Face folder as transformers saves it, with expected.safetensors beside: inputs, outputs and, for models that
generate, greedy continuations. Sizes are awkward on purpose (odd heads, head sizes that do not divide the width, ragged masks) and
weights wide enough that a missing bias, norm or bias table shows; a case whose logits have a standard deviation below 1 is refused.
Outputs are computed in 64 bits and rounded, so that a test measures our rounding errors and not the sum of ours and PyTorch's.
"""
import json

import torch
from transformers import (
    BartConfig, BartForConditionalGeneration, BartForSequenceClassification, BertConfig, BertForMaskedLM, BertForSequenceClassification,
    BertModel, EncoderDecoderConfig, EncoderDecoderModel, GPT2Config, GPT2LMHeadModel, MarianConfig, MarianMTModel, T5Config,
    T5ForConditionalGeneration, T5ForSequenceClassification,
)
from transformers.models.bart.modeling_bart import shift_tokens_right

from tiny_models import VERSIONS, case, exactly, folder_of, ids, mask, randomise, read_back, save, types

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
SMALL_T5 = T5 | dict(num_layers=1, num_decoder_layers=2)
BART = dict(
    vocab_size=41, d_model=24, encoder_layers=1, decoder_layers=2, encoder_attention_heads=3, decoder_attention_heads=4, encoder_ffn_dim=29,
    decoder_ffn_dim=31, max_position_embeddings=19, forced_eos_token_id=None, forced_bos_token_id=None,
)
GPT2 = dict(vocab_size=39, n_embd=21, n_layer=3, n_head=3, n_positions=23, bos_token_id=1, eos_token_id=2, pad_token_id=0)


@torch.no_grad()
def bert():
    inputs = dict(
        input_ids=ids(37, 3, 11, 1), attention_mask=mask([11, 4, 7], 11),
        token_type_ids=types(3, 3, 11, 2),
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
    read_back(folder_of(name), inputs)
    return inputs


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


def bart():
    config = BartConfig(scale_embedding=True, **BART)
    seq2seq("bart", randomise(BartForConditionalGeneration(config), 219, 0.5, 2.5), 41, 13, [13, 2, 8])
    config = BartConfig(activation_function="relu", **BART)
    seq2seq("bart_plain", randomise(BartForConditionalGeneration(config), 238, 0.5, 2.5), 41, 13, [5, 13, 1])
    model = randomise(BartForSequenceClassification(BartConfig(num_labels=5, **BART)), 22, 0.5)
    # Two ends in each row: the vector of the last one counts.
    classifier("bart_classifier", model, ends=2, shift=lambda i: shift_tokens_right(i, 1, 2))


def classifier(name, model, ends, shift):
    lengths = [11, 4, 7]
    inputs = dict(input_ids=ids(40, 3, 11, 23), attention_mask=mask(lengths, 11))
    for row, length in enumerate(lengths):
        inputs["input_ids"][row, length - 1] = model.config.eos_token_id
        inputs["input_ids"][row, length:] = model.config.pad_token_id
        if ends == 2:
            inputs["input_ids"][row, length // 2] = model.config.eos_token_id
    derived = model(**inputs).logits
    inputs["decoder_input_ids"] = shift(inputs["input_ids"])
    assert torch.equal(derived, model(**inputs).logits), name
    case(name, model, inputs)


def t5():
    model = randomise(T5ForSequenceClassification(T5Config(num_labels=4, **SMALL_T5)), 24, 2.0, 2.5)
    classifier("t5_classifier", model, ends=1, shift=model._shift_right)
    # transformers 5 ties by what the file holds and scales by scale_decoder_outputs, or, where that is absent, by tie_word_embeddings.
    # (t5_relu and t5_gated are tied: the one scaled, the other not.)
    untied_t5("t5_v1_1", 25, scaled=False, keys=dict(tie_word_embeddings=False))  # as published
    untied_t5("t5_v1_1_resaved", 26, scaled=False, keys=dict(tie_word_embeddings=True, scale_decoder_outputs=False))  # by transformers 5
    untied_t5("t5_untied_scaled", 27, scaled=True, keys=dict(tie_word_embeddings=False, scale_decoder_outputs=True))


def untied_t5(name, seed, scaled, keys):
    config = T5Config(feed_forward_proj="gated-gelu", tie_word_embeddings=None if scaled else False, **SMALL_T5)
    assert config.scale_decoder_outputs == scaled
    model = T5ForConditionalGeneration(config)
    model.lm_head.weight = torch.nn.Parameter(torch.empty_like(model.shared.weight))
    model.all_tied_weights_keys.pop("lm_head.weight")
    model = randomise(model, seed, 1.0, 1.5)
    if scaled:
        model.lm_head.weight.data *= config.d_model**0.5
    inputs = seq2seq(name, model, 43, 27, [27, 5, 16])
    path = folder_of(name) / "config.json"
    written = json.loads(path.read_text())
    for key in ("tie_word_embeddings", "scale_decoder_outputs"):
        written.pop(key)
    path.write_text(json.dumps(written | keys, indent=2, sort_keys=True) + "\n")
    read_back(folder_of(name), inputs)


def bert2bert(name, seed, decoder):
    marks = dict(decoder_start_token_id=1, eos_token_id=2, pad_token_id=0)
    decoder = BertConfig(is_decoder=True, add_cross_attention=True, **(BERT | dict(num_hidden_layers=1) | decoder))
    config = EncoderDecoderConfig.from_encoder_decoder_configs(BertConfig(**BERT | dict(num_hidden_layers=1)), decoder, **marks)
    model = EncoderDecoderModel(config=config)
    for key, value in marks.items():
        setattr(model.generation_config, key, value)
    seq2seq(name, randomise(model, seed, gain=3.0), 37, 13, [13, 2, 8])


if __name__ == "__main__":
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
    bart()
    t5()
    bert2bert("bert2bert", 28, dict(hidden_size=20, num_attention_heads=4, intermediate_size=27, vocab_size=41))
    bert2bert("bert2bert_same", 29, dict(num_attention_heads=7))
    (folder_of("") / "versions.json").write_text(json.dumps(VERSIONS, indent=2) + "\n")
