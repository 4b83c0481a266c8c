//! Integration tests of the binary and of the workspace's invariants.

mod architecture;
mod bad_data;
mod bad_input;
mod bench;
mod contrastive;
mod distill;
mod doctor;
mod embed;
mod end_to_end;
mod fine_tune;
mod forward;
mod inspect;
mod lab;
mod masking;
mod multi;
mod prepare;
mod preview;
mod questions;
mod resume;
mod tag;
mod traces;
mod weights;
mod workplace;
