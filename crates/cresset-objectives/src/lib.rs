//! cresset-objectives
