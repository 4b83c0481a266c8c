//! Integration tests of the binary and of the workspace's invariants.

mod architecture;
