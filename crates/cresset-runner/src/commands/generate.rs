//! `cresset generate`: text from text.

use cresset_objectives::{ModelFolder, open_generator};
use serde_json::json;

use crate::cli::{Common, GenerateArgs};
use crate::inputs::{self, Lines};
use crate::{decoder_start, device, output};

pub fn run(args: &GenerateArgs, common: &Common) -> anyhow::Result<()> {
    let device = device::pick(&common.device)?;
    let folder = ModelFolder::open(&args.model)?;
    let folder = decoder_start::changed(folder, args.decoder_start.as_deref(), common)?;
    let model = open_generator(&folder, &device)?;
    let lines = if args.text { Lines::Plain } else { Lines::Json };
    let examples = inputs::read(&args.input, lines)?;
    for batch in examples.chunks(args.batch_size.max(1)) {
        for (example, text) in batch
            .iter()
            .zip(model.generate(batch, args.max_new_tokens)?)
        {
            match lines {
                Lines::Plain => output::line(&text.replace('\n', " "))?,
                Lines::Json => {
                    output::json(&json!({"id": inputs::name_of(example), "text": text}))?
                }
            }
        }
    }
    Ok(())
}
