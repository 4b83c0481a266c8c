//! Kernels over f32 arrays in host memory: rayon over rows, inner loops compiled for the processor found at run time.

pub(crate) mod array;
pub(crate) mod attention;
pub(crate) mod elementwise;
mod few_rows;
pub(crate) mod linear;
pub(crate) mod masked_softmax;
pub(crate) mod math;
mod matrix;
pub(crate) mod norm;
pub(crate) mod optimizer;
pub(crate) mod relative;
pub(crate) mod scores;
pub(crate) mod softmax;
pub(crate) mod table;
