//! cresset-metrics
