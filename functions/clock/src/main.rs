//! The Lambda function `clock`.

use clock::Clock;
use common::telemetry;
use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let clock = &Clock::from_env().await?;
    lambda_runtime::run(service_fn(|_: LambdaEvent<serde_json::Value>| async move {
        clock.tick().await.map_err(lambda_runtime::Error::from)
    }))
    .await
}
