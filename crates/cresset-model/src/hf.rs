//! Models on disk: Hugging Face folders, read and written.

mod config;
mod name;
mod read;
mod tokens;
mod untied;
mod write;

pub use config::{read_config, write_config};
pub use name::{HfTensor, Layout, parameter_names};
pub use read::{LoadReport, load_weights};
pub use tokens::{
    NamedParameter, is_start_vector, named_parameters, read_token_table, read_vector, start_vector,
    token_tables,
};
pub use write::save_weights;

pub(crate) use config::one_id;
pub(crate) use name::{START_VECTOR, encoder_tensor, inner_path, rename};

use burn::module::Module;

/// A model whose parameters have names in Hugging Face's files.
pub trait HfModel: Module {
    /// Hugging Face's class, the value of `architectures` in `config.json`.
    fn architecture(&self) -> &'static str;

    /// Name and layout of a parameter; `None` for one that is not saved.
    fn hf_name(&self, path: &str) -> Option<HfTensor>;

    /// What Hugging Face puts in front of the base model's names in a model with a head; files of the base model lack it.
    fn base_prefix(&self) -> &'static str;

    /// Other names of a tensor: those it is tied to, which some files hold too or instead.
    fn spellings(&self, _name: &str) -> Vec<String> {
        Vec::new()
    }

    /// Whether a tensor that the file lacks is right as it is at first, and so not reported as new.
    fn is_optional(&self, _name: &str) -> bool {
        false
    }

    /// Whether a tensor is part of the task head, which fine-tuning begins anew, rather than of the pre-trained model below it. In a
    /// model with a head those are the names without the base model's prefix.
    fn is_head(&self, name: &str) -> bool {
        !name.starts_with(self.base_prefix())
    }

    /// Whether a tensor of the file is known to mean nothing to the model.
    fn ignores(&self, _name: &str) -> bool {
        false
    }
}
