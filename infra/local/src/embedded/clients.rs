//! An SDK configuration for the embedded services.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};

/// The region that the embedded services say they are in.
pub(crate) const REGION: &str = "us-east-1";

/// A configuration that reaches one embedded service and nothing else: the
/// machine's own AWS credentials are never read.
pub(crate) async fn sdk_config(endpoint: &str) -> SdkConfig {
    let nobody = Credentials::new("embedded", "embedded", None, None, "opsknight");
    common::aws::with_bounds(aws_config::defaults(BehaviorVersion::v2026_01_12()))
        .region(Region::from_static(REGION))
        .credentials_provider(SharedCredentialsProvider::new(nobody))
        .endpoint_url(endpoint)
        .load()
        .await
}
