//! cresset-ops
