//! `cresset devices`: what is compiled in and found.

use crate::cli::Common;
use crate::{device, output};

pub fn run(common: &Common) -> anyhow::Result<()> {
    let rows = device::list();
    if common.json {
        return output::json(&rows);
    }
    output::line("row  device     part      name")?;
    for (number, row) in rows.iter().enumerate() {
        let api = format!("{:?}", row.api).to_lowercase();
        let part = format!("{:?}", row.part).to_lowercase();
        output::line(&format!("{number:<4} {api:<10} {part:<9} {}", row.name))?;
    }
    output::line(&format!(
        "compiled in: {}",
        device::compiled_in().join(", ")
    ))
}
