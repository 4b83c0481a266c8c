//! From an error to one sentence and an exit code.

use std::process::ExitCode;

use cresset_data::DataError;
use cresset_model::ModelError;
use cresset_objectives::RunError;

/// The user's input is wrong: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UserError(pub String);

/// An error that is the user's to correct.
pub fn user(message: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(UserError(message.into()))
}

/// Prints the error as one line on stderr and says the exit code: 2 for wrong input, 1 for anything else.
pub fn report(error: &anyhow::Error) -> ExitCode {
    let message = error.chain().map(ToString::to_string).collect::<Vec<_>>();
    let mut line = String::new();
    for (i, part) in message.iter().enumerate() {
        if i > 0 && line.contains(part.as_str()) {
            continue;
        }
        if i > 0 {
            line.push_str(": ");
        }
        line.push_str(part);
    }
    eprintln!("error: {line}");
    ExitCode::from(if is_users(error) { 2 } else { 1 })
}

fn is_users(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<UserError>()
            || cause
                .downcast_ref::<DataError>()
                .is_some_and(|e| !matches!(e, DataError::Write { .. }))
            || cause.downcast_ref::<ModelError>().is_some_and(|e| {
                !matches!(
                    e,
                    ModelError::Io {
                        action: "write",
                        ..
                    }
                )
            })
            || cause
                .downcast_ref::<RunError>()
                .is_some_and(RunError::is_users)
    })
}
