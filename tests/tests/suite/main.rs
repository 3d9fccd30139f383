//! The rules of DESIGN.md and API.md, through the front door.

mod alertmanager;
mod at_once;
mod bad_input;
mod calls;
mod clock;
mod cloud;
mod cost;
mod deliveries;
mod fan_out;
mod guides;
mod incidents;
mod interrupted_import;
mod lifecycle;
mod lists;
mod load;
mod management;
mod options;
mod portability;
mod races;
mod readiness;
mod restart;
mod rules;
mod template;
