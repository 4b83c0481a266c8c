//! cresset-data
