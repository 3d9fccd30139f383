//! What the deployment holds now.

use common::{
    integration::{Integration, Service},
    limits,
    store::{Store, StoreError},
    webhook::Webhook,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

/// Everything that a document is about, in the order of its creation.
#[derive(Debug)]
pub(crate) struct Existing {
    pub services: Vec<Service>,
    pub integrations: Vec<Integration>,
    pub webhooks: Vec<Webhook>,
}

impl Existing {
    /// Reads it all, strongly consistent item by item; it is no snapshot.
    pub(crate) async fn read(store: &Store) -> Result<Self, StoreError> {
        let (services, webhooks) = (store.services().await?, store.webhooks().await?);
        let lists: Vec<_> = services
            .iter()
            .map(|service| integrations_of(store, service))
            .collect();
        let lists: Vec<Vec<Integration>> = stream::iter(lists)
            .buffered(limits::SERVICES_READ_AT_ONCE)
            .try_collect()
            .await?;
        let mut integrations: Vec<Integration> = lists.into_iter().flatten().collect();
        integrations.sort_by_key(|integration| integration.id);
        Ok(Self {
            services,
            integrations,
            webhooks,
        })
    }
}

/// The integrations of a service, which name it as it is named now: a change of
/// its name reaches them one by one.
async fn integrations_of(store: &Store, service: &Service) -> Result<Vec<Integration>, StoreError> {
    let mut integrations = store.integrations(service.id).await?;
    for integration in &mut integrations {
        integration.service = service.reference();
    }
    Ok(integrations)
}
