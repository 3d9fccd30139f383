//! The Lambda function `incidents`.

use common::{aws, http::auth::AdminKey, store::Store, telemetry};
use incidents::{App, router};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    let sdk = aws::sdk_config().await;
    let app = App::new(
        Store::from_env(&sdk).await?,
        AdminKey::from_env(&sdk).await?,
    );
    lambda_http::run(router(app)).await
}
