//! Services: one partition holds them all, so that a list is one consistent
//! query.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem, Update};

use super::{Store, StoreError, keys, number, text};
use crate::{
    audit,
    event::Actor,
    id::{IntegrationId, ServiceId},
    integration::Service,
};

/// The condition that a service is there and at the revision `:read`; one that
/// never changed may have none.
const UNCHANGED: &str =
    "attribute_exists(pk) AND (attribute_not_exists(revision) OR revision = :read)";

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

    /// Replaces a service that is still as `service` was read, and what its
    /// integrations repeat of it, in one transaction: an alert that comes after
    /// this is of the service as it is now. Answers it with its new revision.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it, or the list of its integrations,
    /// changed in the meantime, or where it is gone.
    pub async fn update_service(
        &self,
        service: &Service,
        audit: &audit::Entry,
    ) -> Result<Service, StoreError> {
        let after = Service {
            revision: service.revision + 1,
            ..service.clone()
        };
        let mut items = vec![
            self.put(keys::service(after.id), &after)?
                .only_if(UNCHANGED)
                .value(":read", number(service.revision))
                .in_transaction()?,
        ];
        for integration in self.integrations(after.id).await? {
            items.push(self.repeat_service(&after, integration.id)?);
        }
        self.change(items, audit).await?;
        Ok(after)
    }

    fn repeat_service(
        &self,
        service: &Service,
        integration: IntegrationId,
    ) -> Result<TransactWriteItem, StoreError> {
        let options = serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(&service.options)?;
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(keys::integration(integration).into_item()))
            .update_expression(
                "SET #service.#name = :name, serviceOptions = :options, serviceRevision = :revision",
            )
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#service", "service")
            .expression_attribute_names("#name", "name")
            .expression_attribute_values(":name", text(service.name.clone()))
            .expression_attribute_values(":options", options)
            .expression_attribute_values(":revision", number(service.revision))
            .build()?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Counts the service's revision up where it is still the one that was
    /// read, so that a change of the service never misses a new integration.
    pub(super) fn service_revision_up(
        &self,
        service: &Service,
    ) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(keys::service(service.id).into_item()))
            .update_expression("SET revision = :next")
            .condition_expression(UNCHANGED)
            .expression_attribute_values(":read", number(service.revision))
            .expression_attribute_values(":next", number(service.revision + 1))
            .build()?;
        Ok(TransactWriteItem::builder().update(update).build())
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
            // Deleted already.
            Err(StoreError::Conflict) if self.service(service.id).await?.is_none() => false,
            Err(error) => return Err(error),
        };
        self.delete_integrations_of(service.id, actor).await?;
        Ok(existed)
    }

    /// Deletes the integrations of a service that is gone, also those that a
    /// deletion which broke off left behind. Answers how many there were.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn delete_integrations_of(
        &self,
        service: ServiceId,
        actor: &Actor,
    ) -> Result<usize, StoreError> {
        let integrations = self.integrations(service).await?;
        for integration in &integrations {
            let audit = audit::Entry::deleted(actor, integration);
            self.delete_integration(integration, &audit).await?;
        }
        Ok(integrations.len())
    }
}
