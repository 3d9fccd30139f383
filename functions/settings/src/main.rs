//! The Lambda function `settings`.

use common::{aws, telemetry};
use settings::{App, router};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    let sdk = aws::sdk_config().await;
    lambda_http::run(router(App::from_env(&sdk).await?)).await
}
