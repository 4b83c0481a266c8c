"""The encoder families with each of their heads, as golden_models.py does it: BERT's further heads, RoBERTa, ALBERT, XLNet.

python scripts/golden_heads.py [OUT_DIR]      (needs torch, transformers; default crates/cresset-model/tests/golden)

Families differ in where padding stands: RoBERTa counts positions over ids that are not its padding token, so that id stands at every
masked place and nowhere else; XLNet is padded on the left, its classifier reads the last place.
"""
from transformers import (
    AlbertConfig, AlbertForMaskedLM, AlbertForPreTraining, AlbertForQuestionAnswering, AlbertForSequenceClassification,
    AlbertForTokenClassification, AlbertModel, BertConfig, BertForPreTraining, BertForQuestionAnswering, BertForTokenClassification,
    RobertaConfig, RobertaForMaskedLM, RobertaForQuestionAnswering, RobertaForSequenceClassification, RobertaForTokenClassification,
    RobertaModel, XLNetConfig, XLNetForQuestionAnsweringSimple, XLNetForSequenceClassification, XLNetForTokenClassification,
    XLNetLMHeadModel, XLNetModel,
)

from tiny_models import case, ids, mask, permutation, randomise, types

LENGTHS = [11, 4, 7]
BERT = dict(
    vocab_size=37, hidden_size=21, num_hidden_layers=1, num_attention_heads=3, intermediate_size=31, max_position_embeddings=17,
    type_vocab_size=3,
)
ROBERTA = dict(
    vocab_size=39, hidden_size=20, num_hidden_layers=1, num_attention_heads=5, intermediate_size=33, max_position_embeddings=13,
    type_vocab_size=1, pad_token_id=1, bos_token_id=0, eos_token_id=2, layer_norm_eps=1e-5,
)
ALBERT = dict(
    vocab_size=41, embedding_size=13, hidden_size=21, num_hidden_layers=2, num_attention_heads=7, intermediate_size=29,
    max_position_embeddings=12, type_vocab_size=2,
)
XLNET = dict(vocab_size=43, d_model=18, n_layer=2, n_head=3, d_inner=25, ff_activation="gelu", summary_type="last")


def bert():
    inputs = dict(input_ids=ids(37, 3, 11, 30), attention_mask=mask(LENGTHS, 11), token_type_ids=types(3, 3, 11, 31))
    case("bert_pretraining", randomise(BertForPreTraining(BertConfig(**BERT)), 35), inputs)
    case("bert_token", randomise(BertForTokenClassification(BertConfig(num_labels=5, **BERT)), 33), inputs)
    case("bert_qa", randomise(BertForQuestionAnswering(BertConfig(**BERT)), 34), inputs)


def roberta():
    kept = mask(LENGTHS, 11)
    # Ids from 3 on are no padding token.
    inputs = dict(input_ids=ids(39, 3, 11, 40).where(kept == 1, 1), attention_mask=kept)
    two = RobertaConfig(**ROBERTA | dict(num_hidden_layers=2, type_vocab_size=2))
    case("roberta_model", randomise(RobertaModel(two), 41), inputs | dict(token_type_ids=types(2, 3, 11, 42)))
    case("roberta_masked_lm", randomise(RobertaForMaskedLM(RobertaConfig(**ROBERTA)), 43), inputs)
    case("roberta_classifier", randomise(RobertaForSequenceClassification(RobertaConfig(num_labels=4, **ROBERTA)), 44), inputs)
    case("roberta_token", randomise(RobertaForTokenClassification(RobertaConfig(num_labels=5, **ROBERTA)), 45), inputs)
    case("roberta_qa", randomise(RobertaForQuestionAnswering(RobertaConfig(**ROBERTA)), 46), inputs)


def albert():
    inputs = dict(input_ids=ids(41, 3, 11, 50), attention_mask=mask(LENGTHS, 11), token_type_ids=types(2, 3, 11, 51))
    # Eight layers in a row: large biases would make all places alike, and attention would not show.
    groups = AlbertConfig(**ALBERT | dict(num_hidden_layers=4, num_hidden_groups=2, inner_group_num=2))
    case("albert_model", randomise(AlbertModel(groups), 52, gain=0.7, bias=0.1), inputs)
    case("albert_pretraining", randomise(AlbertForPreTraining(AlbertConfig(**ALBERT)), 58), inputs)
    case("albert_masked_lm", randomise(AlbertForMaskedLM(AlbertConfig(**ALBERT)), 54), inputs)
    case("albert_classifier", randomise(AlbertForSequenceClassification(AlbertConfig(num_labels=4, **ALBERT)), 55), inputs)
    case("albert_token", randomise(AlbertForTokenClassification(AlbertConfig(num_labels=5, **ALBERT)), 56), inputs)
    case("albert_qa", randomise(AlbertForQuestionAnswering(AlbertConfig(**ALBERT)), 59, gain=2.0), inputs)


def xlnet():
    kept = mask(LENGTHS, 11, "left")
    inputs = dict(input_ids=ids(43, 3, 11, 60).where(kept == 1, 5), attention_mask=kept, token_type_ids=types(3, 3, 11, 61))
    one = XLNET | dict(n_layer=1)
    case("xlnet_model", randomise(XLNetModel(XLNetConfig(**XLNET)), 62), inputs)
    case("xlnet_lm", randomise(XLNetLMHeadModel(XLNetConfig(**one)), 63), inputs)
    case("xlnet_lm_permuted", randomise(XLNetLMHeadModel(XLNetConfig(**XLNET)), 64), inputs | permutation(LENGTHS, 11, 3, 65))
    case("xlnet_classifier", randomise(XLNetForSequenceClassification(XLNetConfig(num_labels=4, **one)), 66), inputs)
    case("xlnet_token", randomise(XLNetForTokenClassification(XLNetConfig(num_labels=5, **one)), 67), inputs)
    case("xlnet_qa", randomise(XLNetForQuestionAnsweringSimple(XLNetConfig(**one)), 68), inputs)


if __name__ == "__main__":
    bert()
    roberta()
    albert()
    xlnet()
