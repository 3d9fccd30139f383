//! The Lambda function `settings`.

use common::{
    aws, config,
    http::auth::AdminKey,
    outbound::{Guard, Outbound},
    queue::Queue,
    store::Store,
    telemetry,
};
use settings::{App, Readiness, router};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    let sdk = aws::sdk_config().await;
    let guard = Guard::from_env()?;
    lambda_http::run(router(App {
        store: Store::from_env(&sdk).await?,
        queue: Queue::from_env(&sdk, "DELIVERIES_QUEUE_URL").await?,
        dead_letters: Queue::from_env(&sdk, "DEAD_LETTER_QUEUE_URL").await?,
        guard: guard.clone(),
        outbound: Outbound::new(guard)?,
        admin: AdminKey::from_env(&sdk).await?,
        readiness: Readiness::default(),
        public_url: config::optional("PUBLIC_URL"),
    }))
    .await
}
