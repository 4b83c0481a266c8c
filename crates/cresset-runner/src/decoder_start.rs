//! `--decoder-start`: decoding begins with another token than in training.

use cresset_objectives::ModelFolder;

use crate::cli::Common;

/// The folder, or, if a token is given, the same folder with this token in the start token's place, which is said.
///
/// # Errors
/// A model without decoder; a token it does not have.
pub fn changed(
    folder: ModelFolder,
    token: Option<&str>,
    common: &Common,
) -> anyhow::Result<ModelFolder> {
    let Some(token) = token else {
        return Ok(folder);
    };
    let of = |folder: &ModelFolder| -> anyhow::Result<String> {
        let convention = folder.convention()?;
        let start = convention.decoder_frame().and_then(|d| d.start_shown());
        Ok(start.unwrap_or("no start token").to_owned())
    };
    let trained = of(&folder);
    let folder = folder.starting_with(token)?;
    common.news()(&format!(
        "decoding starts with {token}; the model's own start is {}",
        trained?
    ));
    Ok(folder)
}
