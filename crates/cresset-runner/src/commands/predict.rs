//! `cresset predict`: JSON lines in, JSON lines out, by the model's head.

use cresset_objectives::{ModelFolder, open_predictor};
use serde_json::Value;

use crate::cli::{Common, PredictArgs};
use crate::inputs::{self, Lines};
use crate::{device, output};

pub fn run(args: &PredictArgs, common: &Common) -> anyhow::Result<()> {
    let device = device::pick(&common.device)?;
    let folder = ModelFolder::open(&args.model)?;
    let model = open_predictor(&folder, &device, args.top)?;
    let examples = inputs::read(&args.input, Lines::Json)?;
    for batch in examples.chunks(args.batch_size.max(1)) {
        for (example, mut answer) in batch.iter().zip(model.predict(batch)?) {
            answer.shift_insert(0, "id".to_owned(), inputs::name_of(example));
            output::json(&Value::Object(answer))?;
        }
    }
    Ok(())
}
