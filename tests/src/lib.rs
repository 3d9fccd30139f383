//! What the black-box tests share: a stack of their own, a client of its API,
//! and a receiver that can be told how to answer.

pub mod cases;
pub mod hostile;
pub mod process;
pub mod receiver;
pub mod wait;
mod world;

pub use world::{Answer, Integration, World};
