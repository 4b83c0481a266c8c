//! Fused operations against their plain versions, value and gradient, on the device in `CRESSET_TEST_DEVICE`.

mod adamw;
mod attention;
mod cross_entropy;
mod device;
mod embedding;
mod finite_differences;
mod linear;
mod pointwise;
mod products;
mod relative;
mod scores;
mod watch;
