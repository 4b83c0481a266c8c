//! Initial weights.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use cresset_model::{
    CausalLm, HfModel, MaskedLm, ModelConfig, Seq2SeqClassifier, Seq2SeqLm, SequenceClassifier,
};
use serde_json::{Value, json};

use crate::device::device;
use crate::reference::floats;

struct Weights<'a, M> {
    model: &'a M,
    path: Vec<String>,
    found: BTreeMap<String, Vec<f32>>,
}

impl<M: HfModel> ModuleVisitor for Weights<'_, M> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.model.hf_name(&self.path.join(".")).unwrap().name;
        self.found.insert(name, floats(param.val()));
    }
}

/// Every parameter by its name in files.
pub(crate) fn weights<M: HfModel>(model: &M) -> BTreeMap<String, Vec<f32>> {
    let mut weights = Weights {
        model,
        path: Vec::new(),
        found: BTreeMap::new(),
    };
    model.visit(&mut weights);
    weights.found
}

fn config(kind: &str, more: Value) -> ModelConfig {
    let mut sizes = json!({ "vocab_size": 200, "n_layers": 2, "hidden_size": 48, "n_heads": 3, "intermediate_size": 96 });
    sizes
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    ModelConfig::from_toml_table(kind, sizes.as_object().unwrap().clone()).unwrap()
}

fn std_of(values: &[f32]) -> f64 {
    (values
        .iter()
        .map(|&v| f64::from(v) * f64::from(v))
        .sum::<f64>()
        / values.len() as f64)
        .sqrt()
}

/// Norms one, biases zero, everything else near the given standard deviation; at these sizes an estimate is within 10 %.
fn assert_spread<M: HfModel>(model: &M, expected: impl Fn(&str) -> f64) {
    for (name, values) in weights(model) {
        if name.to_lowercase().contains("norm") || name.contains(".ln_") {
            let value = if name.ends_with("bias") { 0.0 } else { 1.0 };
            assert!(values.iter().all(|&v| v == value), "{name}");
        } else if name.ends_with("bias") {
            assert!(values.iter().all(|&v| v == 0.0), "{name}");
        } else {
            let (std, wanted) = (std_of(&values), expected(&name));
            let tolerance = if values.len() < 1000 { 0.3 } else { 0.1 };
            assert!(
                (std / wanted - 1.0).abs() < tolerance,
                "{name} has standard deviation {std}, not {wanted}"
            );
        }
    }
}

#[test]
fn bug_class_17_initial_weights_have_the_spread_of_the_papers() {
    let device = device();
    let bert = config("bert", json!({ "max_positions": 32 }))
        .encoder()
        .unwrap();
    assert_spread(&MaskedLm::new(&bert, 1, &device).unwrap(), |_| 0.02);
    assert_spread(
        &SequenceClassifier::new(&bert, 3, 1, &device).unwrap(),
        |_| 0.02,
    );
    let marian = config("marian", json!({ "max_positions": 32 }))
        .encoder_decoder()
        .unwrap();
    assert_spread(&Seq2SeqLm::new(&marian, 1, &device).unwrap(), |_| 0.02);
    let bart = json!({ "max_positions": 32, "decoder_start_token_id": 2 });
    let bart = config("bart", bart).encoder_decoder().unwrap();
    assert_spread(&Seq2SeqLm::new(&bart, 1, &device).unwrap(), |_| 0.02);
    assert_spread(
        &Seq2SeqClassifier::new(&bart, 3, 1, &device).unwrap(),
        |_| 0.02,
    );
    let gpt2 = config("gpt2", json!({ "max_positions": 32 }))
        .decoder()
        .unwrap();
    let residual = 0.02 / f64::sqrt(4.0);
    assert_spread(&CausalLm::new(&gpt2, 1, &device).unwrap(), |name| {
        if name.ends_with("c_proj.weight") {
            residual
        } else {
            0.02
        }
    });
    let t5 = config("t5", json!({ "head_size": 8, "pad_token_id": 0 }))
        .encoder_decoder()
        .unwrap();
    let spread = |name: &str| match name {
        // T5's own choice: the embedding is not scaled down, the tied output is.
        _ if name.ends_with("shared.weight") => 1.0,
        _ if name.ends_with(".q.weight") => f64::powf(48.0 * 8.0, -0.5),
        _ if name.ends_with(".o.weight") => f64::powf(24.0, -0.5),
        _ if name.ends_with(".wo.weight") => f64::powf(96.0, -0.5),
        _ => f64::powf(48.0, -0.5),
    };
    assert_spread(&Seq2SeqLm::new(&t5, 1, &device).unwrap(), spread);
    assert_spread(&Seq2SeqClassifier::new(&t5, 3, 1, &device).unwrap(), spread);
}

#[test]
fn initial_weights_depend_on_seed_and_path_alone() {
    let device = device();
    let config = config("bert", json!({ "max_positions": 32 }))
        .encoder()
        .unwrap();
    let classifier = weights(&SequenceClassifier::new(&config, 3, 7, &device).unwrap());
    let masked_lm = weights(&MaskedLm::new(&config, 7, &device).unwrap());
    let shared = classifier
        .iter()
        .filter(|(name, _)| masked_lm.contains_key(*name))
        .inspect(|(name, values)| {
            assert_eq!(masked_lm[*name], **values, "{name}");
        });
    assert!(shared.count() > 30);
    let other_seed = weights(&SequenceClassifier::new(&config, 3, 8, &device).unwrap());
    let first = "bert.encoder.layer.0.attention.self.query.weight";
    assert_ne!(classifier[first], other_seed[first]);
    assert_ne!(
        classifier[first],
        classifier["bert.encoder.layer.1.attention.self.query.weight"]
    );
}

#[test]
fn initial_weights_of_a_seed_stay_what_they_were() {
    let marian = config("marian", json!({ "max_positions": 32 }))
        .encoder_decoder()
        .unwrap();
    let weights = weights(&Seq2SeqLm::new(&marian, 7, &device()).unwrap());
    for (name, first) in [
        ("model.shared.weight", -0.011_391_499),
        (
            "model.encoder.layers.1.self_attn.q_proj.weight",
            -0.019_763_947,
        ),
        (
            "model.decoder.layers.0.encoder_attn.v_proj.weight",
            0.006_607_738,
        ),
        ("model.decoder.layers.1.fc2.weight", 0.019_651_012),
    ] {
        // Logarithm and cosine may differ in the last digit between machines.
        assert!((weights[name][0] - first).abs() < 1e-8, "{name}");
    }
}

#[test]
fn parameters_are_trainable_on_an_autodiff_device_but_for_the_logits_bias() {
    for kind in ["marian", "bart"] {
        let config = config(kind, json!({ "max_positions": 32 }))
            .encoder_decoder()
            .unwrap();
        let model = Seq2SeqLm::new(&config, 0, &Device::flex().autodiff()).unwrap();
        let mut frozen = Frozen::default();
        model.visit(&mut frozen);
        assert_eq!(frozen.found, ["final_logits_bias"], "{kind}");
        let mut again = Frozen::default();
        model.valid().train().visit(&mut again);
        assert_eq!(again.found, ["final_logits_bias"], "{kind}");
    }
}

#[derive(Default)]
struct Frozen {
    path: Vec<String>,
    found: Vec<String>,
}

impl ModuleVisitor for Frozen {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !param.val().is_require_grad() {
            self.found.push(self.path.last().unwrap().clone());
        }
    }
}
