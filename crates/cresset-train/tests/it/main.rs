//! Integration tests of cresset-train, on the device that `CRESSET_TEST_DEVICE` names (flex by default).

mod accumulation;
mod checkpoints;
mod config;
mod finite;
mod golden;
mod log;
mod resume;
mod run_loop;
mod scope;
mod task;
mod watched;
