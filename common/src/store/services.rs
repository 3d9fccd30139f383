//! Services: one partition holds them all, so that a list is one consistent
//! query.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};

use super::{Store, StoreError, keys, text};
use crate::{
    audit,
    event::Actor,
    id::ServiceId,
    integration::{Integration, Service},
};

impl Store {
    /// Writes a new service.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn create_service(
        &self,
        service: &Service,
        audit: &audit::Entry,
    ) -> Result<(), StoreError> {
        let put = self.put(keys::service(service.id), service)?;
        let put = put.only_if("attribute_not_exists(pk)").in_transaction()?;
        self.change(vec![put], audit).await
    }

    /// All services, oldest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn services(&self) -> Result<Vec<Service>, StoreError> {
        self.query_all(keys::SERVICES, keys::SERVICE_PREFIX).await
    }

    /// A service.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn service(&self, id: ServiceId) -> Result<Option<Service>, StoreError> {
        self.get(keys::service(id)).await
    }

    /// Replaces a service that still exists, and its name in its integrations,
    /// from where new incidents take it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it was deleted in the meantime.
    pub async fn update_service(
        &self,
        service: &Service,
        audit: &audit::Entry,
    ) -> Result<(), StoreError> {
        let put = self.put(keys::service(service.id), service)?;
        let put = put.only_if("attribute_exists(pk)").in_transaction()?;
        self.change(vec![put], audit).await?;
        for integration in self.integrations(service.id).await? {
            if integration.service.name != service.name {
                self.rename_service_in(&integration, &service.name).await?;
            }
        }
        Ok(())
    }

    async fn rename_service_in(
        &self,
        integration: &Integration,
        name: &str,
    ) -> Result<(), StoreError> {
        let renamed = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::integration(integration.id).into_item()))
            .update_expression("SET #service.#name = :name")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#service", "service")
            .expression_attribute_names("#name", "name")
            .expression_attribute_values(":name", text(name))
            .send()
            .await
            .map(|_| ())
            .map_err(StoreError::from_sdk);
        match renamed {
            // Deleted in the meantime: nothing to rename.
            Err(StoreError::Conflict) => Ok(()),
            other => other,
        }
    }

    /// Deletes a service and its integrations, each with its entry in the audit
    /// log. Its incidents stay. `false` where there was none.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn delete_service(
        &self,
        service: &Service,
        actor: &Actor,
    ) -> Result<bool, StoreError> {
        // The service goes first: from then on nobody can add an integration.
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(keys::service(service.id).into_item()))
            .condition_expression("attribute_exists(pk)")
            .build()?;
        let delete = TransactWriteItem::builder().delete(delete).build();
        let audit = audit::Entry::deleted(actor, service);
        let existed = match self.change(vec![delete], &audit).await {
            Ok(()) => true,
            Err(StoreError::Conflict) => false,
            Err(error) => return Err(error),
        };
        for integration in self.integrations(service.id).await? {
            let audit = audit::Entry::deleted(actor, &integration);
            self.delete_integration(&integration, &audit).await?;
        }
        Ok(existed)
    }
}
