//! The Lambda function `fanout`.

use aws_lambda_events::event::dynamodb::Event;
use common::telemetry;
use fanout::Fanout;
use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let fanout = &Fanout::from_env().await?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Event>| async move {
        Ok::<_, lambda_runtime::Error>(fanout.handle(event.payload).await)
    }))
    .await
}
