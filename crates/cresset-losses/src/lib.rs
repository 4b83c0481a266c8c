//! cresset-losses
