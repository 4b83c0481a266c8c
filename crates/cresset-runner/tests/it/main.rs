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
mod masking;
mod multi;
mod pooling;
mod prepare;
mod preview;
mod questions;
mod resume;
mod special;
mod special_roles;
mod start_token;
mod tag;
mod weights;
mod workplace;
