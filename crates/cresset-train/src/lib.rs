//! cresset-train
