//! Makes a small model, saves it as a Hugging Face folder, loads it again and lets both continue a prompt.

use burn::tensor::Device;
use cresset_model::{
    CausalLm, GreedyOptions, HfModel, ModelConfig, greedy_causal, load_weights, read_config,
    save_weights, write_config,
};
use serde_json::{Map, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = Device::flex();
    let sizes = json!({ "vocab_size": 100, "n_layers": 2, "hidden_size": 24, "n_heads": 3, "max_positions": 32 });
    let config =
        ModelConfig::from_toml_table("gpt2", sizes.as_object().cloned().unwrap_or_default())?;
    let model = CausalLm::new(&config.decoder()?, 7, &device)?;

    let folder = tempfile::tempdir()?;
    write_config(&config, model.architecture(), Map::new(), folder.path())?;
    save_weights(&model, folder.path())?;

    let (config, _) = read_config(folder.path())?;
    let (loaded, report) = load_weights(
        CausalLm::new(&config.decoder()?, 0, &device)?,
        folder.path(),
    )?;
    println!(
        "loaded {} tensors, {} new, {} unused",
        report.loaded.len(),
        report.new.len(),
        report.unused.len()
    );

    let options = GreedyOptions {
        start: vec![],
        stop: 0,
        pad: 0,
        max_new_tokens: 8,
    };
    let prompts = [vec![5, 6, 7], vec![8]];
    println!("before: {:?}", greedy_causal(&model, &prompts, &options));
    println!("after:  {:?}", greedy_causal(&loaded, &prompts, &options));
    Ok(())
}
