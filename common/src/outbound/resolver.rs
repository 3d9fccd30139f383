//! Names → addresses, through the guard.

use std::{
    fmt, io,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{FutureExt as _, future::BoxFuture};
use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use super::guard::{Guard, Refused};

/// Looks up the addresses of a name. A trait, so that tests decide what a name
/// resolves to.
pub trait Resolver: Send + Sync + fmt::Debug {
    /// Every address of this name; the ports mean nothing.
    fn lookup<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

/// The operating system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn lookup<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        tokio::net::lookup_host((name, 0))
            .map(|found| found.map(Iterator::collect))
            .boxed()
    }
}

/// Lets only vetted hosts through. Connections are made to what this answers
/// and nothing else is looked up, so that a name cannot change its address
/// between the check and the connection.
#[derive(Clone)]
pub(super) struct VettedResolver {
    pub guard: Guard,
    pub resolver: Arc<dyn Resolver>,
}

impl Service<Name> for VettedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Refused;
    type Future = BoxFuture<'static, Result<Self::Response, Refused>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let Self { guard, resolver } = self.clone();
        Box::pin(async move {
            let name = name.as_str();
            let found = resolver.lookup(name).await;
            let answers = found.map_err(|_| Refused::Unresolved(name.to_owned()))?;
            guard.check_answers(name, &answers)?;
            Ok(answers.into_iter())
        })
    }
}
