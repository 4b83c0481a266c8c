//! From the name of a class to the head it has.

/// What a model's outputs are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadKind {
    /// Nothing yet: an encoder alone.
    None,
    /// Masked tokens and pairs of texts.
    PreTraining,
    /// Masked tokens.
    MaskedLm,
    /// A class per text, or a number.
    SequenceClassification,
    /// A class per token.
    TokenClassification,
    /// An answer's place in a text.
    QuestionAnswering,
    /// The next token.
    CausalLm,
    /// Tokens in any order (XLNet).
    PermutedLm,
    /// One text from another.
    Seq2SeqLm,
}

/// Endings of class names, the first that fits counts.
const ENDINGS: &[(&str, HeadKind)] = &[
    ("ForPreTraining", HeadKind::PreTraining),
    ("ForMaskedLM", HeadKind::MaskedLm),
    (
        "ForSequenceClassification",
        HeadKind::SequenceClassification,
    ),
    ("ForTokenClassification", HeadKind::TokenClassification),
    ("ForQuestionAnswering", HeadKind::QuestionAnswering),
    ("ForQuestionAnsweringSimple", HeadKind::QuestionAnswering),
    ("XLNetLMHeadModel", HeadKind::PermutedLm),
    ("GPT2LMHeadModel", HeadKind::CausalLm),
    ("ForConditionalGeneration", HeadKind::Seq2SeqLm),
    ("MarianMTModel", HeadKind::Seq2SeqLm),
    ("EncoderDecoderModel", HeadKind::Seq2SeqLm),
    // Published base models whose output layer is tied or zero, so that they are whole language models all the same.
    ("BartModel", HeadKind::Seq2SeqLm),
    ("GPT2Model", HeadKind::CausalLm),
    ("BertModel", HeadKind::None),
    ("RobertaModel", HeadKind::None),
    ("AlbertModel", HeadKind::None),
    ("XLNetModel", HeadKind::None),
];

impl HeadKind {
    /// The head of a class, as `architectures` in `config.json` names it; `None` for a class that is not known.
    pub fn of_class(class: &str) -> Option<HeadKind> {
        ENDINGS
            .iter()
            .find(|(ending, _)| class.ends_with(ending))
            .map(|(_, kind)| *kind)
    }
}
