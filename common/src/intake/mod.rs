//! Intake: who sent it, is it signed, what does it say, what changes. One
//! pipeline for every vendor; a vendor is a [`Vendor`] in its group's router.

pub mod alertmanager;
mod authentication;
pub mod credentials;
mod forms;
mod log;
mod pipeline;
mod rate_limit;
mod received;
mod repair;
mod told;
pub mod value;
mod vendor;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::{MethodFilter, MethodRouter, on},
};

pub use authentication::{Admission, Attempt, Rejection};
pub use forms::Content;
pub use log::{Answer, log_answer};
pub use pipeline::{AlertResult, ResultAction, apply_alerts, read, receive_for, result_of};
pub use rate_limit::{Allowance, OverLimit};
pub use received::{Received, Unreadable};
pub use told::{Cause, tell};
pub use vendor::{Authentication, Context, Methods, Parsed, Vendor};

use crate::{
    api_key::ApiKey, config, incidents::Incidents, limits, outbound::Fetch, store::Store,
    time::Timestamp,
};
use rate_limit::RateLimiter;

/// What every intake function works with.
#[derive(Debug, Clone)]
pub struct Intake {
    incidents: Incidents,
    outbound: Option<Arc<dyn Fetch>>,
    public_url: Option<Arc<str>>,
    rate_limiter: RateLimiter,
}

impl Intake {
    /// Intake into this store.
    pub fn new(store: Store) -> Self {
        Self {
            incidents: Incidents::new(store),
            outbound: None,
            public_url: None,
            rate_limiter: RateLimiter::default(),
        }
    }

    /// The same with a way out, for vendors whose requests are verified with
    /// what somebody else publishes.
    #[must_use]
    pub fn with_outbound(mut self, outbound: impl Fetch + 'static) -> Self {
        self.outbound = Some(Arc::new(outbound));
        self
    }

    /// The same, at this public base URL (`https://hooks.example.com`): some
    /// vendors sign the address that they send to.
    #[must_use]
    pub fn at(mut self, public_url: &str) -> Self {
        self.public_url = Some(public_url.trim_end_matches('/').into());
        self
    }

    /// Intake into the table that the environment names.
    ///
    /// # Errors
    /// Names the variable that is missing.
    pub async fn from_env() -> Result<Self, config::ConfigError> {
        let sdk = crate::aws::sdk_config().await;
        let intake = Self::new(Store::from_env(&sdk).await?);
        Ok(match config::optional("PUBLIC_URL") {
            Some(url) => intake.at(url.trim()),
            None => intake,
        })
    }

    /// The incidents that alerts go to.
    pub fn incidents(&self) -> &Incidents {
        &self.incidents
    }

    /// Counts a request of an authenticated sender against its integration's
    /// rate limit.
    ///
    /// # Errors
    /// [`OverLimit`] where it is over it.
    pub fn admit(&self, context: &Context<'_>) -> Result<Allowance, OverLimit> {
        let integration = context.integration;
        let limit = integration.rate_limit_per_minute;
        let sender = integration.id.ulid();
        self.rate_limiter.count(sender, limit, context.now)
    }

    /// Counts a request of an API key, for all services together.
    ///
    /// # Errors
    /// [`OverLimit`] where it is over [`limits::EVENTS_PER_KEY_AND_MINUTE`].
    pub fn admit_key(&self, key: &ApiKey, now: Timestamp) -> Result<Allowance, OverLimit> {
        let limit = limits::EVENTS_PER_KEY_AND_MINUTE;
        self.rate_limiter.count(key.id.ulid(), limit, now)
    }

    fn public_url(&self) -> Option<&str> {
        self.public_url.as_deref()
    }

    /// The store that they are in.
    pub fn store(&self) -> &Store {
        self.incidents.store()
    }
}

/// The routes of these vendors, `/api/integrations/<name>` each.
pub fn router(intake: Intake, vendors: &'static [Vendor]) -> Router {
    let routes = vendors.iter().fold(Router::new(), |router, vendor| {
        router.route(&format!("/api/integrations/{}", vendor.name), route(vendor))
    });
    routes.with_state(Arc::new(intake))
}

fn route(vendor: &'static Vendor) -> MethodRouter<Arc<Intake>> {
    let methods = match vendor.methods {
        Methods::Post => MethodFilter::POST,
        Methods::PostAndPut => MethodFilter::POST.or(MethodFilter::PUT),
        Methods::GetAndPost => MethodFilter::POST.or(MethodFilter::GET),
    };
    on(
        methods,
        move |State(intake): State<Arc<Intake>>, request: Request| async move {
            let response: Response = pipeline::receive(&intake, vendor, request).await;
            response
        },
    )
}
