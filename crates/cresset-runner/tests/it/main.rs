//! Integration tests of the binary and of the workspace's invariants.

mod architecture;
mod bad_input;
mod bench;
mod end_to_end;
mod preview;
mod resume;
mod workplace;
