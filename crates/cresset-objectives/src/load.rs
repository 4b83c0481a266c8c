//! Weights from a folder, and what happens to tensors that it lacks.

use std::path::Path;

use cresset_model::warm_start::EncoderDecoder;
use cresset_model::{
    HfModel, LoadReport, is_start_vector, load_weights, named_parameters, parameter_names,
};

use crate::values::{values_of, write_values};
use crate::{NewHead, RunError};

/// Loads weights into a model and refuses a partial load, except of a new task head and of what was named, where that is allowed.
///
/// # Errors
/// A damaged file; tensors the folder lacks, by name, with the prefixes that would allow them; a prefix that no tensor has.
pub fn load<M: HfModel>(
    model: M,
    folder: &Path,
    new_head: NewHead,
) -> Result<(M, LoadReport), RunError> {
    let initial = model.clone();
    let (model, mut report) = load_weights(model, folder)?;
    let (prefixes, reset) = match new_head {
        NewHead::Refused => {
            refuse_missing(folder, &report)?;
            return Ok((model, report));
        }
        NewHead::Allowed(prefixes) => (prefixes, Vec::new()),
        NewHead::Reset { allow_new, reset } => ([allow_new, reset.clone()].concat(), reset),
    };
    let names = parameter_names(&model);
    let base = model.base_prefix();
    if let Some(unknown) = prefixes
        .iter()
        .find(|prefix| !names.iter().any(|name| is_under(name, prefix, base)))
    {
        let key = if reset.contains(unknown) {
            "reset"
        } else {
            "allow_new"
        };
        return Err(RunError::Config(format!(
            "model.{key} names {unknown:?}, but no tensor of this model begins so; leave it out, or give the beginning of a name such as {}",
            names.first().map_or("", |name| without(name, base))
        )));
    }
    let is_reset = |name: &str| reset.iter().any(|prefix| is_under(name, prefix, base));
    let model = with_initial(model, &initial, is_reset);
    let loaded = std::mem::take(&mut report.loaded).into_iter();
    let (anew, loaded): (Vec<_>, Vec<_>) = loaded.partition(|name| is_reset(name));
    report.loaded = loaded;
    report.new.extend(anew);
    // Whoever asks for a start vector has named it.
    let is_allowed = |name: &str| {
        let is_named = prefixes.iter().any(|prefix| is_under(name, prefix, base));
        model.is_head(name) || is_start_vector(name) || is_named
    };
    let missing: Vec<String> = report
        .new
        .iter()
        .filter(|name| !is_allowed(name))
        .cloned()
        .collect();
    if missing.is_empty() {
        return Ok((model, report));
    }
    if report.loaded.is_empty() {
        return Err(refused(folder, &missing));
    }
    let ways_out: Vec<String> = prefixes
        .into_iter()
        .chain(smallest_prefixes(&missing, &names, base))
        .map(|prefix| format!("{prefix:?}"))
        .collect();
    Err(RunError::Config(format!(
        "{} lacks {} of this model's pre-trained part; add allow_new = [{}] to [model] to initialise what is missing, or choose another folder",
        folder.display(),
        counted(&missing),
        ways_out.join(", ")
    )))
}

/// A model in which some parameters, by their names, are what they were in `initial`.
fn with_initial<M: HfModel>(model: M, initial: &M, chosen: impl Fn(&str) -> bool) -> M {
    let ids = named_parameters(initial)
        .into_iter()
        .filter(|parameter| parameter.name.as_deref().is_some_and(&chosen))
        .map(|parameter| parameter.id);
    let values = values_of(initial, &ids.collect());
    write_values(model, values)
}

/// Fills the halves of an encoder-decoder from two folders. What joins them is new: cross-attention, the projection between different
/// widths, the decoder's output head where its folder has none.
///
/// # Errors
/// A damaged file; other tensors that the folders lack, by name.
pub(crate) fn warm_start(
    model: EncoderDecoder,
    encoder: &Path,
    decoder: &Path,
) -> Result<(EncoderDecoder, LoadReport), RunError> {
    const JOINTS: [&str; 4] = [
        ".crossattention.",
        "enc_to_dec_proj.",
        "decoder.cls.",
        ".pooler.",
    ];
    let (model, report) = model.warm_start(encoder, decoder)?;
    let is_joint =
        |name: &String| is_start_vector(name) || JOINTS.iter().any(|joint| name.contains(joint));
    let missing: Vec<String> = report
        .new
        .iter()
        .filter(|name| !is_joint(name))
        .cloned()
        .collect();
    match missing.iter().find(|name| name.starts_with("encoder.")) {
        Some(_) => Err(refused(encoder, &missing)),
        None if !missing.is_empty() => Err(refused(decoder, &missing)),
        None => Ok((model, report)),
    }
}

/// Refuses a model that lacks tensors.
///
/// # Errors
/// The tensors, by name.
pub(crate) fn refuse_missing(folder: &Path, report: &LoadReport) -> Result<(), RunError> {
    match &report.new[..] {
        [] => Ok(()),
        missing => Err(refused(folder, missing)),
    }
}

fn refused(folder: &Path, missing: &[String]) -> RunError {
    RunError::Config(format!(
        "{} lacks {} of this model; choose a folder of the right architecture and head, or train the head first",
        folder.display(),
        counted(missing)
    ))
}

fn counted(names: &[String]) -> String {
    let shown = names.iter().take(5).map(String::as_str).collect::<Vec<_>>();
    let more = if names.len() > 5 { ", ..." } else { "" };
    format!("{} tensor(s) ({}{more})", names.len(), shown.join(", "))
}

/// Whether a name begins with the segments of a prefix, with the base model's prefix in front or not.
fn is_under(name: &str, prefix: &str, base: &str) -> bool {
    let prefix = prefix.trim_end_matches('.');
    let begins = |name: &str| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    !prefix.is_empty() && (begins(name) || begins(without(name, base)))
}

fn without<'a>(name: &'a str, base: &str) -> &'a str {
    name.strip_prefix(base).unwrap_or(name)
}

/// The shortest prefixes under which everything is missing, so that none of them allows more than it must.
fn smallest_prefixes(missing: &[String], names: &[String], base: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in missing {
        let name = without(name, base);
        let ends = name.match_indices('.').map(|(at, _)| at);
        let prefix = ends
            .map(|end| &name[..end])
            .find(|prefix| {
                let under = names.iter().filter(|name| is_under(name, prefix, base));
                under.clone().count() > 0 && under.clone().all(|name| missing.contains(name))
            })
            .unwrap_or(name);
        if !found.iter().any(|known| known == prefix) {
            found.push(prefix.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 8] = [
        "bert.embeddings.word.weight",
        "bert.embeddings.position.weight",
        "bert.encoder.layer.1.output.weight",
        "bert.encoder.layer.11.output.weight",
        "bert.encoder.layer.11.output.bias",
        "bert.pooler.dense.weight",
        "bert.pooler.dense.bias",
        "classifier.weight",
    ];

    #[test]
    fn the_prefixes_that_would_allow_what_is_missing_allow_no_more() {
        let names = NAMES.map(str::to_owned);
        let prefixes = |missing: &[usize]| {
            let missing: Vec<String> = missing.iter().map(|&i| names[i].clone()).collect();
            smallest_prefixes(&missing, &names, "bert.")
        };
        assert_eq!(prefixes(&[5, 6]), ["pooler"]);
        assert_eq!(prefixes(&[3, 4, 5, 6]), ["encoder.layer.11", "pooler"]);
        assert_eq!(prefixes(&[1]), ["embeddings.position"]);
        assert_eq!(prefixes(&[4]), ["encoder.layer.11.output.bias"]);
    }

    #[test]
    fn a_prefix_ends_where_a_segment_ends() {
        let is = |prefix: &str| NAMES.map(|name| is_under(name, prefix, "bert."));
        assert_eq!(is("encoder.layer.1").iter().filter(|is| **is).count(), 1);
        assert_eq!(is("bert.encoder.layer.11."), is("encoder.layer.11"));
        assert_eq!(is("pool"), [false; 8]);
        assert_eq!(is(""), [false; 8]);
    }
}
