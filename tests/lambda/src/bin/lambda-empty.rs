//! An empty function, built the same way: what the others are measured against.

use axum::{Router, routing::any};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    lambda_http::run(Router::new().fallback(any(|| async { "" }))).await
}
