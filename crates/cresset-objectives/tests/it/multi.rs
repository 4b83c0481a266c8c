//! Several objectives on one model.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use cresset_data::{PadSide, pad};
use cresset_model::TextClassifier;
use cresset_model::{
    EncoderConfig, HeadSpec, HfModel, SharedEncoder, TextHead, TextPooling, parameter_names,
};
use cresset_objectives::classify::{Classify, ClassifyBatch, Targets};
use cresset_objectives::masked_lm::{MaskedLanguageModelling, MaskedLmBatch};
use cresset_objectives::multi::MultiConfig;
use cresset_train::{Objective, StepContext};
use serde_json::json;

use crate::config;

fn shared(specs: &[HeadSpec], saved: usize) -> SharedEncoder {
    let sizes = json!({"n_layers": 1, "hidden_size": 16, "n_heads": 2, "intermediate_size": 16, "dropout": 0.0});
    let config: EncoderConfig = config("bert", "bert", sizes).encoder().expect("an encoder");
    let device = Device::flex().autodiff();
    SharedEncoder::new(&config, (specs, saved), 0, &device).expect("a model")
}

const AT: StepContext = StepContext {
    seed: 0,
    step: 1,
    micro: 0,
    tape: None,
};

fn hidden_token() -> MaskedLmBatch {
    MaskedLmBatch {
        input: pad(&[vec![5u32, 6, 7]], 0, PadSide::Right),
        segments: vec![0; 3],
        positions: vec![1],
        targets: vec![9],
        weights: vec![1.0],
    }
}

fn text() -> ClassifyBatch {
    ClassifyBatch {
        input: pad(&[vec![5u32, 6, 7]], 0, PadSide::Right),
        segments: vec![0; 3],
        targets: Targets::Classes {
            classes: vec![1],
            weights: vec![1.0],
        },
    }
}

/// The size of the gradients that a loss leaves in a model.
fn reached(model: &SharedEncoder, loss: Tensor<1>) -> Vec<(String, bool)> {
    let gradients = loss.backward();
    let mut visitor = Reached {
        gradients,
        path: Vec::new(),
        found: Vec::new(),
    };
    model.visit(&mut visitor);
    visitor.found
}

struct Reached {
    gradients: burn::tensor::Gradients,
    path: Vec<String>,
    found: Vec<(String, bool)>,
}

impl burn::module::ModuleVisitor for Reached {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &burn::module::Param<Tensor<D>>) {
        let gradient = param.val().grad(&self.gradients);
        let path = self.path.join(".");
        self.found.push((path, gradient.is_some()));
    }
}

#[test]
fn the_models_of_the_parts_share_the_encoder_and_have_heads_of_their_own() {
    let model = shared(
        &[
            HeadSpec::MaskedLm,
            HeadSpec::Sequence(TextHead::of_class(2)),
        ],
        0,
    );
    let masked = MaskedLanguageModelling::new(model.masked_lm(0));
    let classify = Classify::new(TextClassifier::Encoder(model.sequence_classifier(1)), 0.0);
    let sum = |terms: cresset_train::LossTerms| terms.0[0].sum.clone();
    let of_masked = reached(&model, sum(masked.loss(&hidden_token(), &AT)));
    let of_classes = reached(&model, sum(classify.loss(&text(), &AT)));
    for ((path, masked), (_, classes)) in of_masked.iter().zip(&of_classes) {
        let expected = match path {
            path if path.starts_with("heads.0") => (true, false),
            path if path.starts_with("heads.1") => (false, true),
            path if path.contains("pooler") => (false, true),
            _ => (true, true),
        };
        assert_eq!((*masked, *classes), expected, "{path}");
    }
    assert!(
        of_masked
            .iter()
            .any(|(path, _)| path.starts_with("heads.1"))
    );
}

#[test]
fn heads_are_saved_under_their_own_names_and_a_second_of_a_kind_is_not() {
    let specs = [
        HeadSpec::MaskedLm,
        HeadSpec::Sequence(TextHead::of_class(2)),
        HeadSpec::Sequence(TextHead::of_class(3)),
    ];
    let names = |saved: usize| {
        let model = shared(&specs, saved);
        (
            model.architecture(),
            parameter_names(&model),
            model.unsaved(),
        )
    };
    let (class, saved, unsaved) = names(0);
    assert_eq!(class, "BertForMaskedLM");
    assert!(
        saved.contains(&"cls.predictions.bias".to_owned()),
        "{saved:?}"
    );
    assert_eq!(
        saved.iter().filter(|n| *n == "classifier.weight").count(),
        1
    );
    assert_eq!(unsaved, ["classifier.weight", "classifier.bias"]);
    let (class, saved, _) = names(2);
    assert_eq!(class, "BertForSequenceClassification");
    assert_eq!(
        saved.iter().filter(|n| *n == "classifier.weight").count(),
        1
    );
}

fn refused(toml: serde_json::Value) -> String {
    let config: MultiConfig = serde_json::from_value(toml).expect("well-formed");
    config.validate().expect_err("refused").to_string()
}

#[test]
fn mixes_that_make_no_sense_are_refused() {
    let masked = json!({"objective": {"masked-lm": {}}});
    let classify = json!({"objective": {"classify": {}}});
    let cases = [
        (json!({"parts": [masked]}), "at least 2"),
        (json!({"parts": [masked, masked]}), "called \"masked-lm\""),
        (
            json!({"parts": [masked, {"objective": {"tag": {}}}]}),
            "does not mix",
        ),
        (
            json!({"parts": [masked, {"objective": {"seq2seq": {}}}]}),
            "one shape",
        ),
        (
            json!({"parts": [masked, {"weight": 0.0, "objective": {"classify": {}}}]}),
            "above 0",
        ),
        (
            json!({"parts": [masked, {"name": "a.b", "objective": {"classify": {}}}]}),
            "dot",
        ),
        (
            json!({"save": "tag", "parts": [masked, classify]}),
            "masked-lm, classify",
        ),
        (
            json!({"parts": [masked, {"objective": {"classify": {"label_smoothing": 2.0}}}]}),
            "label_smoothing",
        ),
    ];
    for (config, said) in cases {
        let message = refused(config);
        assert!(message.contains(said), "{message}");
    }
}

#[test]
fn a_part_reads_what_its_own_head_asks_for() {
    let head = |poolings: &[TextPooling]| {
        HeadSpec::Sequence(TextHead {
            n_labels: 2,
            poolings: poolings.to_vec(),
            n_cls: 1,
        })
    };
    let has = |specs: &[HeadSpec], part: &str| {
        let names = parameter_names(&shared(specs, 0));
        names.iter().any(|name| name.contains(part))
    };
    let cls = head(&[TextPooling::Cls]);
    let several = head(&[TextPooling::Mean, TextPooling::Attentive]);
    assert!(has(&[several.clone(), cls.clone()], "pooler"));
    assert!(!has(std::slice::from_ref(&several), "pooler"));
    assert!(has(std::slice::from_ref(&several), "pooling_query"));
    assert!(!has(&[cls.clone(), several.clone()], "pooling_query"));

    let model = shared(&[cls, several], 0);
    let loss = |part: usize| {
        let own = TextClassifier::Encoder(model.sequence_classifier(part));
        let own = Classify::new(own, 0.0);
        own.loss(&text(), &AT).0[0].sum.clone()
    };
    for (part, pooler, query) in [(0, true, false), (1, false, true)] {
        let found = reached(&model, loss(part));
        let is = |name: &str| found.iter().any(|(path, hit)| *hit && path.contains(name));
        assert_eq!(
            (is("pooler"), is("pooling_query")),
            (pooler, query),
            "{part}"
        );
    }
}
