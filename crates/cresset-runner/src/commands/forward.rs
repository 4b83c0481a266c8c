//! `cresset forward`: raw logits, hidden states and attention as a safetensors file.

use std::collections::BTreeMap;

use cresset_objectives::{ForwardInput, ModelFiles, forward, forward_watched};
use cresset_ops::Watched;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use crate::cli::{Common, ForwardArgs};
use crate::failure::user;
use crate::folder::write_whole;
use crate::{device, output};

pub fn run(args: &ForwardArgs, common: &Common) -> anyhow::Result<()> {
    let device = device::pick(&common.device)?;
    let folder = ModelFiles::open(&args.model)?;
    let name = args.input.display();
    let text = std::fs::read_to_string(&args.input)
        .map_err(|e| user(format!("cannot read {name}: {e}; check the path")))?;
    let input: ForwardInput = serde_json::from_str(&text).map_err(|e| {
        user(format!(
            "{name}: {e}; give {{\"input_ids\": [[..]]}} and its like"
        ))
    })?;
    let outputs = match (args.attention, args.hidden_states) {
        (true, _) => forward_watched(&folder, &input, Watched::Attention, &device)?,
        (false, true) => forward_watched(&folder, &input, Watched::HiddenStates, &device)?,
        (false, false) => forward(&folder, &input, &device)?,
    };
    let bytes: BTreeMap<&str, Vec<u8>> = outputs
        .iter()
        .map(|o| {
            (
                o.name.as_str(),
                o.values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            )
        })
        .collect();
    let views = outputs
        .iter()
        .map(|o| {
            Ok((
                o.name.as_str(),
                TensorView::new(Dtype::F32, o.shape.clone(), &bytes[o.name.as_str()])?,
            ))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    write_whole(&args.output, &safetensors::serialize(views, None)?)?;
    outputs
        .iter()
        .try_for_each(|o| output::line(&format!("{:<26} {:?}", o.name, o.shape)))
}
