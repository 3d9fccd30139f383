//! The Lambda function `console`.

use common::{
    aws, config,
    http::auth::AdminKey,
    outbound::{Guard, Outbound},
    queue::Queue,
    store::Store,
    telemetry,
};
use console::{App, router};
use settings::Readiness;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    let sdk = aws::sdk_config().await;
    let guard = Guard::from_env()?;
    let store = Store::from_env(&sdk).await?;
    let admin = AdminKey::from_env(&sdk).await?;
    let settings = settings::App {
        store: store.clone(),
        queue: Queue::from_env(&sdk, "DELIVERIES_QUEUE_URL").await?,
        dead_letters: Queue::from_env(&sdk, "DEAD_LETTER_QUEUE_URL").await?,
        guard: guard.clone(),
        outbound: Outbound::new(guard)?,
        admin: admin.clone(),
        readiness: Readiness::default(),
        public_url: config::optional("PUBLIC_URL"),
    };
    let incidents = incidents::App::new(store, admin.clone());
    lambda_http::run(router(App::new(incidents, settings, &admin))).await
}
