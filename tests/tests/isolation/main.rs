//! A receiver that fails costs its own deliveries only.

mod breaker;
mod kills;
mod lab;
mod neighbours;
mod notices;
