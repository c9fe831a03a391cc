//! The commands, one file each.

pub mod estimate;
pub mod normalize;
pub mod serve;
pub mod token;
