//! cresset
fn main() {}
