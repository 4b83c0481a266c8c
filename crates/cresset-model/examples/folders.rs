//! Writes a small folder per Hugging Face class, each with inputs and our outputs beside, for `scripts/check_folder.py` to hold against
//! Python: `cargo run --release -p cresset-model --example folders -- OUT_DIR`.

use std::error::Error;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Int, Tensor, TensorData};
use cresset_model::{
    CausalLm, EncoderInput, HfModel, MaskedLm, ModelConfig, Seq2SeqClassifier, Seq2SeqLm,
    SequenceClassifier, save_weights, write_config,
};
use cresset_ops::{KeepMask, PadSide, Run};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Map, Value, json};

const WIDTH: usize = 7;

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::args().nth(1).ok_or("give an output folder")?);
    let (device, run) = (Device::flex(), Run::inference());
    let ids = matrix([[5, 9, 3, 7, 1, 2, 4], [4, 8, 6, 0, 0, 0, 0]], &device);
    let target = matrix([[1, 5, 6, 7, 8, 9, 10], [1, 7, 3, 4, 4, 6, 5]], &device);
    let source = EncoderInput {
        ids: ids.clone(),
        keep: KeepMask::from_lengths(&[WIDTH, 3], WIDTH, PadSide::Right, &device),
        segments: Some(matrix(
            [[0, 0, 0, 1, 1, 1, 1], [0, 1, 1, 0, 0, 0, 0]],
            &device,
        )),
        positions: None,
    };
    let everywhere = Tensor::arange(0..2 * WIDTH as i64, &device);

    let bert = config("bert", json!({ "max_positions": 16, "pad_token_id": 0 }))?;
    let model = MaskedLm::new(&bert.encoder()?, 1, &device)?;
    let logits = model.logits_at(model.hidden(source.clone(), &run), everywhere.clone());
    write(
        &out.join("bert_masked_lm"),
        &bert,
        &model,
        json!({}),
        Outputs {
            source: &source,
            target: None,
            logits,
        },
    )?;

    let model = SequenceClassifier::new(&bert.encoder()?, 3, 2, &device)?;
    let labels = json!({ "id2label": { "0": "a", "1": "b", "2": "c" }, "label2id": { "a": 0, "b": 1, "c": 2 } });
    let logits = model.forward(source.clone(), &run);
    write(
        &out.join("bert_classifier"),
        &bert,
        &model,
        labels.clone(),
        Outputs {
            source: &source,
            target: None,
            logits,
        },
    )?;

    let tokens = json!({ "pad_token_id": 0, "eos_token_id": 2, "decoder_start_token_id": 1 });
    for (name, kind, more) in [
        (
            "marian",
            "marian",
            json!({ "max_positions": 16, "bos_token_id": 1, "scale_embedding": true, "activation": "swish" }),
        ),
        (
            "bart",
            "bart",
            json!({ "max_positions": 16, "bos_token_id": 1, "forced_bos_token_id": 1 }),
        ),
        ("t5", "t5", json!({ "head_size": 5 })),
        (
            "t5_gated",
            "t5",
            json!({ "feed_forward_proj": "gated-gelu" }),
        ),
        (
            "t5_untied",
            "t5",
            json!({ "feed_forward_proj": "gated-gelu", "tie_word_embeddings": false }),
        ),
    ] {
        let mut sizes = tokens.clone();
        merge(&mut sizes, more);
        let config = config(kind, sizes)?;
        let model = Seq2SeqLm::new(&config.encoder_decoder()?, 3, &device)?;
        let memory = model.encode(source.clone(), &run);
        let hidden = model.decode(target.clone(), memory, source.keep.clone(), &run);
        let logits = model.logits_at(hidden, everywhere.clone());
        write(
            &out.join(name),
            &config,
            &model,
            json!({}),
            Outputs {
                source: &source,
                target: Some(&target),
                logits,
            },
        )?;
    }

    // Texts that end with the end token, whose vector is classified.
    let ended = EncoderInput {
        ids: matrix([[5, 9, 3, 7, 1, 6, 2], [4, 8, 2, 0, 0, 0, 0]], &device),
        ..source.clone()
    };
    for (name, kind, more) in [
        ("bart_classifier", "bart", json!({ "max_positions": 16 })),
        ("t5_classifier", "t5", json!({ "head_size": 5 })),
    ] {
        let mut sizes = tokens.clone();
        merge(&mut sizes, more);
        let config = config(kind, sizes)?;
        let model = Seq2SeqClassifier::new(&config.encoder_decoder()?, 3, 5, &device)?;
        let logits = model.forward(ended.clone(), &run);
        write(
            &out.join(name),
            &config,
            &model,
            labels.clone(),
            Outputs {
                source: &ended,
                target: None,
                logits,
            },
        )?;
    }

    let gpt2 = config(
        "gpt2",
        json!({ "max_positions": 16, "bos_token_id": 1, "eos_token_id": 2 }),
    )?;
    let model = CausalLm::new(&gpt2.decoder()?, 4, &device)?;
    let whole = EncoderInput {
        ids: target.clone(),
        keep: KeepMask::all(2, WIDTH, &device),
        segments: None,
        positions: None,
    };
    let logits = model.logits_at(model.hidden(target, None, &run), everywhere);
    write(
        &out.join("gpt2"),
        &gpt2,
        &model,
        json!({}),
        Outputs {
            source: &whole,
            target: None,
            logits,
        },
    )
}

fn config(kind: &str, more: Value) -> Result<ModelConfig, Box<dyn Error>> {
    let mut sizes = json!({ "vocab_size": 11, "n_layers": 2, "hidden_size": 24, "n_heads": 3, "intermediate_size": 33 });
    merge(&mut sizes, more);
    let Value::Object(sizes) = sizes else {
        unreachable!("an object was merged")
    };
    Ok(ModelConfig::from_toml_table(kind, sizes)?)
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}

fn matrix(rows: [[i32; WIDTH]; 2], device: &Device) -> Tensor<2, Int> {
    Tensor::from_data(TensorData::new(rows.concat(), [2, WIDTH]), device)
}

struct Outputs<'a> {
    source: &'a EncoderInput,
    target: Option<&'a Tensor<2, Int>>,
    logits: Tensor<2>,
}

fn write<M: HfModel>(
    folder: &Path,
    config: &ModelConfig,
    model: &M,
    extra: Value,
    outputs: Outputs<'_>,
) -> Result<(), Box<dyn Error>> {
    let extra: Map<String, Value> = extra.as_object().cloned().unwrap_or_default();
    write_config(config, model.architecture(), extra, folder)?;
    save_weights(model, folder)?;
    let whole = |ids: &Tensor<2, Int>| {
        (
            Dtype::I32,
            ids.dims().to_vec(),
            bytes(ids.to_data().iter::<i32>().map(i32::to_le_bytes)),
        )
    };
    let mut tensors = vec![
        ("input_ids", whole(&outputs.source.ids)),
        ("attention_mask", whole(&outputs.source.keep.tensor().int())),
    ];
    tensors.extend(
        outputs
            .source
            .segments
            .iter()
            .filter(|_| config.kind() == "bert")
            .map(|ids| ("token_type_ids", whole(ids))),
    );
    tensors.extend(outputs.target.map(|ids| ("decoder_input_ids", whole(ids))));
    let logits = (
        Dtype::F32,
        outputs.logits.dims().to_vec(),
        bytes(
            outputs
                .logits
                .into_data()
                .iter::<f32>()
                .map(f32::to_le_bytes),
        ),
    );
    tensors.push(("logits", logits));
    let views: Result<Vec<_>, _> = tensors
        .iter()
        .map(|(name, (dtype, shape, data))| {
            Ok((*name, TensorView::new(*dtype, shape.clone(), data)?))
        })
        .collect();
    let views = views.map_err(|error: safetensors::SafeTensorError| error.to_string())?;
    std::fs::write(
        folder.join("expected.safetensors"),
        safetensors::serialize(views, None)?,
    )?;
    Ok(())
}

fn bytes(words: impl Iterator<Item = [u8; 4]>) -> Vec<u8> {
    words.flatten().collect()
}
