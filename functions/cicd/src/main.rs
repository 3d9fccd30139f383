//! The Lambda function `cicd`.

use common::{intake::Intake, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    lambda_http::run(cicd::router(Intake::from_env().await?)).await
}
