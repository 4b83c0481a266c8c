//! cresset-model
