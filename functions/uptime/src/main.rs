//! The Lambda function `uptime`.

use common::{intake::Intake, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    lambda_http::run(uptime::router(Intake::from_env().await?)).await
}
