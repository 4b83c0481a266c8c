//! A start vector of a decoder that is no token's.

use burn::tensor::{Device, Int, Tensor};
use cresset_model::layers::LEARNED_START;
use cresset_model::{
    CausalInput, CausalLm, EncoderInput, HfModel, ModelConfig, Seq2SeqClassifier, Seq2SeqLm,
    TokenTable, load_weights, read_config, save_weights, start_vector, token_tables, write_config,
};
use cresset_ops::{KeepMask, Run};
use serde_json::{Map, json};

use crate::device::{device, tolerance};
use crate::reference::distance;

const VOCABULARY: usize = 11;
const KINDS: [&str; 5] = ["t5", "marian", "bart", "encoder-decoder", "gpt2"];

fn config(kind: &str) -> ModelConfig {
    let mut sizes =
        json!({ "vocab_size": VOCABULARY, "n_layers": 2, "hidden_size": 12, "n_heads": 3 });
    let keys = sizes.as_object_mut().unwrap();
    keys.insert("intermediate_size".into(), json!(8));
    if kind != "t5" {
        keys.insert("max_positions".into(), json!(16));
    }
    if kind != "gpt2" {
        keys.insert("decoder_start_token_id".into(), json!(1));
    }
    let config = ModelConfig::from_toml_table(kind, keys.clone()).unwrap();
    config.with_learned_start(true)
}

/// A decoder with what it reads from.
#[allow(clippy::large_enum_variant, reason = "layers lie on the heap")]
enum Decoder {
    Seq2Seq(Seq2SeqLm),
    Causal(CausalLm),
}

impl Decoder {
    fn new(kind: &str, device: &Device) -> Decoder {
        match config(kind) {
            config @ ModelConfig::Gpt2(_) => {
                let config = config.decoder().unwrap();
                Decoder::Causal(CausalLm::new(&config, 0, device).unwrap())
            }
            config => {
                let config = config.encoder_decoder().unwrap();
                Decoder::Seq2Seq(Seq2SeqLm::new(&config, 0, device).unwrap())
            }
        }
    }

    fn vector(&self) -> Vec<f32> {
        match self {
            Decoder::Seq2Seq(model) => model.start_vector().unwrap(),
            Decoder::Causal(model) => model.start_vector().unwrap(),
        }
    }

    fn with_row(&self, row: usize, vector: &[f32]) -> Decoder {
        match self {
            Decoder::Seq2Seq(model) => Decoder::Seq2Seq(model.with_row(row, vector)),
            Decoder::Causal(model) => Decoder::Causal(model.with_row(row, vector)),
        }
    }

    fn with_start(&self, vector: &[f32]) -> Decoder {
        match self {
            Decoder::Seq2Seq(model) => Decoder::Seq2Seq(model.with_start_vector(vector)),
            Decoder::Causal(model) => Decoder::Causal(model.with_start_vector(vector)),
        }
    }

    /// The last layer's output, read at once.
    fn read(&self, ids: &[u32], device: &Device) -> Tensor<3> {
        let run = Run::inference();
        match self {
            Decoder::Seq2Seq(model) => {
                let (memory, keep) = self.memory(device);
                model.decode(row(ids, device), memory, keep, &run)
            }
            Decoder::Causal(model) => model.hidden(row(ids, device), None, &run),
        }
    }

    /// The same, step by step.
    fn write(&self, ids: &[u32], device: &Device) -> Tensor<3> {
        let steps = match self {
            Decoder::Seq2Seq(model) => {
                let (memory, keep) = self.memory(device);
                let mut cache = model.cache();
                let mut step = |id: &u32| {
                    let id = row(&[*id], device);
                    model.decode_on(id, memory.clone(), keep.clone(), &mut cache)
                };
                ids.iter().map(&mut step).collect()
            }
            Decoder::Causal(model) => {
                let mut cache = model.cache();
                let mut step = |id: &u32| {
                    let input = CausalInput {
                        ids: row(&[*id], device),
                        keep: None,
                        positions: None,
                    };
                    model.hidden_on(input, &mut cache)
                };
                ids.iter().map(&mut step).collect()
            }
        };
        Tensor::cat(steps, 1)
    }

    fn memory(&self, device: &Device) -> (Tensor<3>, KeepMask) {
        let Decoder::Seq2Seq(model) = self else {
            panic!("it reads no source")
        };
        let source = EncoderInput {
            ids: row(&[3, 4, 5], device),
            keep: KeepMask::all(1, 3, device),
            segments: None,
            positions: None,
        };
        let keep = source.keep.clone();
        (model.encode(source, &Run::inference()), keep)
    }
}

fn row(ids: &[u32], device: &Device) -> Tensor<2, Int> {
    let ids: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
    Tensor::<1, Int>::from_data(ids.as_slice(), device).unsqueeze_dim(0)
}

#[test]
fn a_learned_start_is_read_as_the_same_vector_in_a_row_would_be() {
    let device = device();
    for kind in KINDS {
        let model = Decoder::new(kind, &device);
        let start: Vec<f32> = model.vector().iter().map(|x| x + 0.5).collect();
        let model = model.with_start(&start);
        let learned = model.read(&[LEARNED_START, 5, 6, 9], &device);
        // The row of a token that neither source nor target holds.
        let as_row = model.with_row(8, &start).read(&[8, 5, 6, 9], &device);
        assert!(distance(learned.clone(), as_row) < tolerance(), "{kind}");
        let other = model.read(&[8, 5, 6, 9], &device);
        assert!(distance(learned, other) > 1e-3, "{kind}");
    }
}

#[test]
fn bug_class_21_a_learned_start_is_the_same_step_by_step() {
    let device = device();
    for kind in KINDS {
        let model = Decoder::new(kind, &device);
        let ids = [LEARNED_START, 5, 6, 9];
        let apart = distance(model.read(&ids, &device), model.write(&ids, &device));
        assert!(apart < tolerance(), "{kind}: {apart}");
    }
}

#[test]
fn a_learned_start_is_no_class_and_gives_no_gradient_to_a_row() {
    let device = device().autodiff();
    for kind in KINDS {
        let model = Decoder::new(kind, &device);
        let (hidden, n_classes) = {
            let hidden = model.read(&[LEARNED_START, 5, 6], &device);
            let at = Tensor::from_ints([0], &device);
            let scores = match &model {
                Decoder::Seq2Seq(model) => model.scores_at(hidden.clone(), at),
                Decoder::Causal(model) => model.scores_at(hidden.clone(), at),
            };
            (hidden, scores.logits().dims()[1])
        };
        assert_eq!(n_classes, VOCABULARY, "{kind}");
        let gradients = hidden.powi_scalar(3).sum().backward();
        let words = match &model {
            Decoder::Seq2Seq(model) => model.words(),
            Decoder::Causal(model) => model.words(),
        };
        let start = words.start_vector.as_ref().unwrap().val();
        let start = start.grad(&gradients).expect("it is trained");
        assert!(start.abs().sum().into_scalar::<f32>() > 0.0, "{kind}");
        let table = words.weight.val().grad(&gradients).expect("it is trained");
        let by_row = table.abs().sum_dim(1).into_data();
        let by_row: Vec<f32> = by_row.iter::<f32>().collect();
        for unread in [0, 1, 2, 7, 8, 9, 10] {
            assert_eq!(by_row[unread], 0.0, "{kind}, row {unread}");
        }
        assert!(by_row[5] > 0.0 && by_row[6] > 0.0, "{kind}");
    }
}

fn saved_and_loaded<M: HfModel>(kind: &str, model: &M, blank: M) {
    let place = tempfile::tempdir().unwrap();
    write_config(
        &config(kind),
        model.architecture(),
        Map::new(),
        place.path(),
    )
    .unwrap();
    save_weights(model, place.path()).unwrap();
    let (again, whole) = read_config(place.path()).unwrap();
    assert!(again.has_learned_start(), "{kind}");
    assert_eq!(whole["decoder_start_vector"], true, "{kind}");
    let (_, report) = load_weights(blank, place.path()).unwrap();
    assert_eq!((report.new, report.unused), (vec![], vec![]), "{kind}");
    let named = start_vector(model).expect("a start vector");
    let name = named.name.unwrap();
    assert!(report.loaded.contains(&name), "{kind}: {name}");
    assert_eq!(named.shape, [1, 12], "{kind}");
    assert!(!model.is_head(&name), "{kind}: {name}");
    let tables = token_tables(model);
    assert!(tables.iter().all(|table| table.id != named.id), "{kind}");
}

#[test]
fn a_learned_start_is_saved_under_a_name_of_its_own() {
    let device = device();
    for kind in KINDS {
        match (Decoder::new(kind, &device), Decoder::new(kind, &device)) {
            (Decoder::Seq2Seq(model), Decoder::Seq2Seq(blank)) => {
                saved_and_loaded(kind, &model, blank);
            }
            (Decoder::Causal(model), Decoder::Causal(blank)) => {
                saved_and_loaded(kind, &model, blank);
            }
            _ => unreachable!("the same kind twice"),
        }
        let plain = config(kind).with_learned_start(false);
        let place = tempfile::tempdir().unwrap();
        write_config(&plain, "any", Map::new(), place.path()).unwrap();
        let (again, whole) = read_config(place.path()).unwrap();
        assert!(!again.has_learned_start() && !whole.contains_key("decoder_start_vector"));
    }
    for kind in ["t5", "bart"] {
        let config = config(kind).encoder_decoder().unwrap();
        let model = || Seq2SeqClassifier::new(&config, 2, 0, &device).unwrap();
        saved_and_loaded(kind, &model(), model());
    }
}

#[test]
fn a_learned_start_is_no_size_of_a_model() {
    let sizes = json!({ "decoder_start_vector": true });
    let error = ModelConfig::from_toml_table("t5", sizes.as_object().unwrap().clone());
    let message = error.unwrap_err().to_string();
    assert!(message.contains("decoder_start_vector"), "{message}");
}
