//! Facts about models and model folders. `CRESSET_TEST_DEVICE` chooses where they are checked: `flex`, `ndarray`, `vulkan` (a graphics card) or `vulkan:cpu`.

mod config;
mod device;
mod encoder_decoders;
mod folders;
mod forms;
mod generation;
mod heads;
mod initial;
mod learned_start;
mod masks;
mod names;
mod parity;
mod pooling;
mod reference;
mod text_pooling;
mod token_table;
mod tokens;
mod xlnet;
