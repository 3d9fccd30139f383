//! How handlers describe themselves for the OpenAPI document.
//!
//! Every handler has a `#[utoipa::path]` above it; [`documented_routes!`] makes
//! a function's router and its part of the document from one table. Only
//! `infra/local` puts the parts together, in a test that compares them with the
//! committed document: the linker leaves all of this out of every function.
//!
//! [`documented_routes!`]: crate::documented_routes

mod deliveries;
pub mod errors;
mod intake;
pub mod schemas;

pub use deliveries::Deliveries;
pub use errors::Errors;
pub use intake::{AlertAccepted, IntakeApi};

/// The schemas that every part refers to.
#[derive(Debug, utoipa::OpenApi)]
#[openapi(components(schemas(crate::http::ErrorBody<'_>)))]
pub struct Shared;

/// A method and a path that a function serves.
pub type Route = (&'static str, &'static str);

/// From one table of paths, methods and handlers: `routes`, the function's
/// router; `ROUTES`, the same as a list; `openapi`, the function's part of the
/// document, made of the `#[utoipa::path]` above each handler. A handler
/// without one does not compile; that both name the same path and method is a
/// test of `infra/local`.
#[macro_export]
macro_rules! documented_routes {
    (
        $state:ty;
        $($path:literal { $($method:ident: $($handler:ident)::+),+ $(,)? })+
    ) => {
        /// The function's routes, without what [`router`] wraps around them.
        pub fn routes(app: $state) -> axum::Router {
            axum::Router::new()
                $(.route(
                    $path,
                    axum::routing::MethodRouter::new()$(.$method($($handler)::+))+,
                ))+
                .with_state(app)
        }

        /// The function's routes, as a list.
        pub const ROUTES: &[common::openapi::Route] =
            &[$($((stringify!($method), $path)),+),+];

        #[derive(utoipa::OpenApi)]
        #[openapi(paths($($($($handler)::+),+),+))]
        struct Described;

        /// The function's part of the OpenAPI document.
        pub fn openapi() -> utoipa::openapi::OpenApi {
            <Described as utoipa::OpenApi>::openapi()
        }
    };
}
