//! Taking the steps of a plan, as many as one call may.

use common::{
    event::Actor, http::ApiError, limits, store::StoreError, time::Timestamp, webhook::Webhook,
};
use tokio::time::Instant;

use super::plan::{Action, Plan, Step, Work};
use crate::{App, webhooks};

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
        Work::CreateService(service) => store.create_service(&service).await,
        Work::UpdateService(mut service) => {
            service.updated_at = now;
            store.update_service(&service).await
        }
        Work::DeleteService(id) => store.delete_service(id).await.map(|_| ()),
        Work::CreateIntegration(integration) => store.create_integration(&integration).await,
        Work::UpdateIntegration(mut integration) => {
            integration.updated_at = now;
            let hash = integration.key_hash.clone();
            store.update_integration(&integration, &hash).await
        }
        Work::DeleteIntegration(integration) => store.delete_integration(&integration).await,
        Work::CreateWebhook(webhook) => store.create_webhook(&webhook).await,
        Work::UpdateWebhook(change) => {
            let (before, mut after): (Webhook, Webhook) = *change;
            webhooks::replace(app, &before, &mut after, actor).await
        }
        Work::DeleteWebhook(id) => store.delete_webhook(id).await.map(|_| ()),
    }
}
