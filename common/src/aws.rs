//! AWS clients: one HTTP client on rustls and ring, timeouts and retries that
//! fit into a function's time, warmed before the first request.

use std::{sync::OnceLock, time::Duration};

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_http_client::{
    Builder,
    tls::{self, rustls_provider::CryptoMode},
};

use crate::{config, limits};

/// The process's HTTP client for AWS. ring: the AWS-LC default gathers
/// CPU-jitter entropy in its first handshake, 26 ms of a cold start.
pub fn http_client() -> SharedHttpClient {
    static CLIENT: OnceLock<SharedHttpClient> = OnceLock::new();
    CLIENT
        .get_or_init(|| {
            Builder::new()
                .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
                .build_https()
        })
        .clone()
}

/// The SDK's configuration from the environment.
pub async fn sdk_config() -> SdkConfig {
    with_bounds(aws_config::defaults(BehaviorVersion::v2026_01_12()))
        .load()
        .await
}

/// The same configuration for a service that `variable` says is elsewhere:
/// `sam local` only sets variables that the template names, which `AWS_ENDPOINT_URL`
/// cannot be (empty, the SDK takes it for a malformed address).
pub fn reached_at(sdk: &SdkConfig, variable: &'static str) -> SdkConfig {
    match config::optional(variable) {
        Some(url) => sdk.to_builder().endpoint_url(url.trim()).build(),
        None => sdk.clone(),
    }
}

/// Puts this product's timeouts, retries and HTTP client into a configuration.
pub fn with_bounds(loader: aws_config::ConfigLoader) -> aws_config::ConfigLoader {
    loader
        .http_client(http_client())
        .retry_config(RetryConfig::standard().with_max_attempts(limits::AWS_ATTEMPTS))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(limits::AWS_CONNECT_TIMEOUT)
                .operation_attempt_timeout(limits::AWS_ATTEMPT_TIMEOUT)
                .operation_timeout(limits::AWS_OPERATION_TIMEOUT)
                .build(),
        )
}

/// Makes ring the process's rustls provider. Idempotent.
pub fn install_tls_provider() {
    // An error says that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Runs a cheap call while the function starts, so that the first request
/// finds an open connection; its outcome does not matter.
pub async fn warm_up(call: impl Future<Output = ()>) {
    let _ = tokio::time::timeout(limits::WARM_UP_TIMEOUT, call).await;
}

/// Pauses before the next try of a contended write: exponential, full jitter.
pub async fn conflict_pause(attempt: u32) {
    let ceiling = limits::CONFLICT_PAUSE
        .saturating_mul(1 << attempt.min(10))
        .min(limits::CONFLICT_PAUSE_MAX);
    tokio::time::sleep(Duration::mul_f64(ceiling, crate::crypto::random_unit())).await;
}
