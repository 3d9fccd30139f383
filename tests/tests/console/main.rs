//! The console, as a browser without scripts sees it.

mod browser;
mod incidents;
mod keys;
mod pages;
mod safety;
mod services;
mod session;
mod webhooks;
