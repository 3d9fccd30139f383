//! A receiver that fails costs its own deliveries only.

mod breaker;
mod crowd;
mod kills;
mod lab;
mod neighbours;
mod notices;
