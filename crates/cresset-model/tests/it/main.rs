//! Facts about models and model folders.
