//! The Lambda function `cloud`.

use common::{
    intake::Intake,
    outbound::{Guard, Outbound},
    telemetry,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init();
    let outbound = Outbound::new(Guard::from_env()?)?;
    let intake = Intake::from_env().await?.with_outbound(outbound);
    lambda_http::run(cloud::router(intake)).await
}
