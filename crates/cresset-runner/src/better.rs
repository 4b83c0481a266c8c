//! Which direction of a measured value is an improvement.

use cresset_metrics::{Better, metric};

/// That of the metric behind the name of a part of a mix or of an evaluation (`dev.bleu`). Of names that are no metric, losses and
/// seconds are better low, everything else high.
pub fn better(name: &str) -> Better {
    let own = name.rsplit('.').next().unwrap_or(name);
    match metric(own) {
        Some(known) => known.better,
        None if own.ends_with("loss") || own == "seconds" => Better::Lower,
        None => Better::Higher,
    }
}
