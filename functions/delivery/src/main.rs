//! The Lambda function `delivery`.

use std::time::{Instant, SystemTime};

use aws_lambda_events::event::sqs::SqsEvent;
use common::telemetry;
use delivery::Deliverer;
use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let deliverer = &Deliverer::from_env().await?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<SqsEvent>| async move {
        let left = event
            .context
            .deadline()
            .duration_since(SystemTime::now())
            .unwrap_or_default();
        Ok::<_, lambda_runtime::Error>(deliverer.handle(event.payload, Instant::now() + left).await)
    }))
    .await
}
