//! Taking the steps of a plan, as many as one call may.

use common::{
    audit::Entry, event::Actor, http::ApiError, limits, store::StoreError, time::Timestamp,
    webhook::Webhook,
};
use tokio::time::Instant;

use super::plan::{Action, Plan, Step, Work};
use crate::{
    App,
    integrations::{self, AddError},
    webhooks,
};

/// Takes the steps in their order until one fails or the call has done its
/// share; what is not reached becomes pending.
///
/// # Errors
/// Why a step failed; the plan tells what was done before it.
pub(crate) async fn run(
    app: &App,
    plan: &mut Plan,
    actor: &Actor,
    started: Instant,
) -> Result<(), ApiError> {
    let until = started + limits::IMPORT_TIME;
    let (mut done, mut failure) = (0, None);
    for step in &mut plan.steps {
        let work = std::mem::replace(&mut step.work, Work::Nothing);
        if matches!(work, Work::Nothing) {
            continue;
        }
        // The first one is taken whatever the time: every call gets further.
        let is_over = done >= limits::IMPORT_CHANGES || (done > 0 && Instant::now() >= until);
        if failure.is_some() || is_over {
            step.action = Action::Pending;
            step.reason = Some("not reached; send the document again".to_owned());
            continue;
        }
        match take(app, work, actor).await {
            Ok(()) => done += 1,
            Err(error) => failure = Some(failed(step, error)),
        }
    }
    failure.map_or(Ok(()), Err)
}

fn failed(step: &mut Step, error: StoreError) -> ApiError {
    step.action = Action::Failed;
    let reason = match &error {
        StoreError::Conflict => "somebody else changed it; send the document again",
        StoreError::Unavailable(_) => {
            "it is not known whether it was written; send the document again"
        }
        StoreError::Refused(_) => "it was not written",
    };
    step.reason = Some(reason.to_owned());
    error.into()
}

async fn take(app: &App, work: Work, actor: &Actor) -> Result<(), StoreError> {
    let store = &app.store;
    let now = Timestamp::now();
    match work {
        Work::Nothing => Ok(()),
        Work::CreateService(service) => {
            let audit = Entry::created(actor, &service);
            store.create_service(&service, &audit).await
        }
        Work::UpdateService(change) => {
            let (before, mut after) = *change;
            after.updated_at = now;
            let audit = Entry::updated(actor, &before, &after);
            store.update_service(&after, &audit).await.map(|_| ())
        }
        Work::DeleteService(service) => store.delete_service(&service, actor).await.map(|_| ()),
        Work::CreateIntegration(integration) => {
            let service = integration.service.id;
            let added = integrations::add(app, service, *integration, actor).await;
            added.map(|_| ()).map_err(|error| match error {
                // Planned with room for it in a service that was to be there.
                AddError::NoService | AddError::TooMany => StoreError::Conflict,
                AddError::Store(error) => error,
            })
        }
        Work::UpdateIntegration(change) => {
            let (before, mut after) = *change;
            after.updated_at = Timestamp::now_after(before.updated_at);
            let audit = Entry::updated(actor, &before, &after);
            store.update_integration(&after, &before, &audit).await
        }
        Work::DeleteIntegration(integration) => {
            let audit = Entry::deleted(actor, &*integration);
            store
                .delete_integration(&integration, &audit)
                .await
                .map(|_| ())
        }
        Work::CreateWebhook(webhook) => {
            let audit = Entry::created(actor, &*webhook);
            store.create_webhook(&webhook, &audit).await
        }
        Work::UpdateWebhook(change) => {
            let (before, mut after): (Webhook, Webhook) = *change;
            webhooks::replace(app, &before, &mut after, actor).await
        }
        Work::DeleteWebhook(webhook) => {
            let audit = Entry::deleted(actor, &*webhook);
            store.delete_webhook(webhook.id, &audit).await.map(|_| ())
        }
    }
}
