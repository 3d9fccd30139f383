//! The command line: the built program against a stack, and against a server
//! that answers as it is told.

mod errors;
mod incidents;
mod portability;
mod program;
mod scripted;
mod settings;
mod webhooks;
