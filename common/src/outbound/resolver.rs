//! Names → addresses, through the guard.

use std::{fmt, io, net::SocketAddr, sync::Arc};

use futures_util::{FutureExt as _, future::BoxFuture};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

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

/// Lets only vetted hosts through. The HTTP client connects to what this
/// answers and looks nothing up itself, so that a name cannot change its
/// address between the check and the connection.
#[derive(Clone)]
pub(super) struct VettedResolver {
    pub guard: Guard,
    pub resolver: Arc<dyn Resolver>,
}

impl Resolve for VettedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { guard, resolver } = self.clone();
        Box::pin(async move {
            let name = name.as_str();
            let found = resolver.lookup(name).await;
            let answers = found.map_err(|_| Refused::Unresolved(name.to_owned()))?;
            guard.check_answers(name, &answers)?;
            Ok(Box::new(answers.into_iter()) as Addrs)
        })
    }
}
