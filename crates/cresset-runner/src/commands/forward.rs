//! `cresset forward`: raw logits, hidden states and attention as a file of arrays.

use cresset_objectives::{ForwardInput, ModelFiles, forward, forward_watched};
use cresset_ops::Watched;

use crate::arrays::{self, Array};
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
    let arrays: Vec<Array<'_>> = outputs
        .iter()
        .map(|output| Array {
            name: &output.name,
            shape: &output.shape,
            values: &output.values,
        })
        .collect();
    write_whole(&args.output, &arrays::for_file(&args.output, &arrays)?)?;
    outputs
        .iter()
        .try_for_each(|o| output::line(&format!("{:<26} {:?}", o.name, o.shape)))
}
