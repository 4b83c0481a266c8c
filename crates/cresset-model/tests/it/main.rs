//! Facts about models and model folders. `CRESSET_TEST_DEVICE` chooses where they are checked: `flex`, `ndarray` or `vulkan:cpu`.

mod config;
mod device;
mod folders;
mod generation;
mod heads;
mod initial;
mod masks;
mod names;
mod parity;
mod reference;
mod xlnet;
