//! The Lambda function `console`.

use common::{aws, telemetry};
use console::{App, router};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    let sdk = aws::sdk_config().await;
    let settings = settings::App::from_env(&sdk).await?;
    let admin = settings.admin.clone();
    let incidents = incidents::App::new(settings.store.clone(), admin.clone());
    lambda_http::run(router(App::new(incidents, settings, &admin))).await
}
