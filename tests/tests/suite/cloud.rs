//! What proves who sends, where somebody else's certificate or keys decide:
//! SNS, Entra and Google, answered here in their place.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use common::{
    intake::Intake,
    limits,
    outbound::{Answer as Fetched, Fetch, OutboundError},
    time::Timestamp,
};
use futures_util::future::BoxFuture;
use http::{Method, StatusCode};
use opsknight_tests::{Answer, Integration, World};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents},
};
use serde_json::{Value, json};

const CERTIFICATE: &[u8] = include_bytes!("../../fixtures/cloud/certificate.pem");
const OF_TOMORROW: &[u8] = include_bytes!("../../fixtures/cloud/certificate_of_tomorrow.pem");
const OF_YESTERDAY: &[u8] = include_bytes!("../../fixtures/cloud/certificate_of_yesterday.pem");
const KEY: &[u8] = include_bytes!("../../fixtures/cloud/signing_key.pkcs8");
const OTHER_KEY: &[u8] = include_bytes!("../../fixtures/cloud/other_key.pkcs8");
const SNS: &str = "https://sns.eu-west-1.amazonaws.com";
const TOPIC: &str = "arn:aws:sns:eu-west-1:481516234200:ops";

/// What others publish, and what was asked of them.
#[derive(Debug, Clone, Default)]
struct Internet(Arc<Mutex<Pages>>);

/// What there is to fetch, and what was fetched.
type Pages = (HashMap<String, Fetched>, Vec<String>);

impl Internet {
    fn publish(&self, url: &str, status: StatusCode, body: impl Into<Vec<u8>>) {
        let answer = Fetched {
            status,
            headers: http::HeaderMap::new(),
            body: body.into(),
            cut_short: None,
        };
        self.0.lock().unwrap().0.insert(url.to_owned(), answer);
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().1)
    }
}

impl Fetch for Internet {
    fn fetch<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Fetched, OutboundError>> {
        Box::pin(async move {
            let mut inner = self.0.lock().unwrap();
            inner.1.push(url.to_owned());
            let found = inner.0.get(url).cloned();
            found.ok_or(OutboundError::TimedOut(limits::FETCH_TIMEOUT))
        })
    }
}

/// The function `cloud` on the world's table, with this internet.
struct Cloud {
    world: World,
    internet: Internet,
    url: String,
}

impl Cloud {
    async fn start() -> Self {
        let world = World::start().await;
        let internet = Internet::default();
        let store = super::calls::store(world.stack().expect("a stack")).await;
        let router = cloud::router(Intake::new(store).with_outbound(internet.clone()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            world,
            internet,
            url,
        }
    }

    async fn integration(&self, provider: &str, fields: Value) -> Integration {
        let service = self.world.service(provider).await;
        let mut body = json!({ "type": provider, "name": provider });
        body.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        self.world.integration_of(&service, body).await
    }

    async fn post(
        &self,
        to: &Integration,
        query: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let url = format!(
            "{}/api/integrations/{}?integrationId={}{query}",
            self.url, to.provider, to.id
        );
        self.world
            .send(Method::POST, &url, headers, body.to_string())
            .await
    }

    async fn sns(&self, to: &Integration, message: &Value) -> (u16, String) {
        let answer = self.post(to, "", &[], message).await;
        (answer.status.as_u16(), said(&answer))
    }

    async fn token(&self, to: &Integration, token: &str, body: &Value) -> u16 {
        let bearer = format!("Bearer {token}");
        self.post(to, "", &[("authorization", &bearer)], body)
            .await
            .status
            .as_u16()
    }
}

/// The result's action and reason, or the error.
fn said(answer: &Answer) -> String {
    let result = &answer.body["result"];
    match result["action"].as_str() {
        Some(action) => format!("{action} {}", result["reason"].as_str().unwrap_or_default()),
        None => answer.body["error"].as_str().unwrap_or_default().to_owned(),
    }
}

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    let pair = RsaKeyPair::from_pkcs8(key).unwrap();
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        text.as_bytes(),
        &mut signature,
    )
    .unwrap();
    signature
}

/// A message that SNS would sign now.
fn message(kind: &str, topic: &str, certificate: &str, text: &str, subscribe: &str) -> Value {
    let id = format!("{:032x}", common::crypto::random_u128());
    let mut message = json!({
        "Type": kind, "MessageId": id, "TopicArn": topic, "Message": text,
        "Timestamp": Timestamp::now().to_string(), "SignatureVersion": "2",
        "SigningCertURL": certificate,
    });
    let mut names = vec!["Message", "MessageId", "Timestamp", "TopicArn", "Type"];
    if kind != "Notification" {
        message["Token"] = json!("token");
        message["SubscribeURL"] = json!(subscribe);
        names = vec![
            "Message",
            "MessageId",
            "SubscribeURL",
            "Timestamp",
            "Token",
            "TopicArn",
            "Type",
        ];
    }
    let text: String = names
        .iter()
        .map(|name| format!("{name}\n{}\n", message[*name].as_str().unwrap()))
        .collect();
    message["Signature"] = json!(STANDARD.encode(sign(KEY, &text)));
    message
}

fn alarm(certificate: &str, state: &str) -> Value {
    let arn = "arn:aws:cloudwatch:eu-west-1:481516234200:alarm:a";
    let alarm = json!({"AlarmName": "a", "NewStateValue": state, "AlarmArn": arn});
    message("Notification", TOPIC, certificate, &alarm.to_string(), "")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sns_certificate_is_downloaded_once_and_checked() {
    let cloud = Cloud::start().await;
    let to = cloud.integration("cloudwatch", json!({})).await;
    let url = format!("{SNS}/once.pem");

    // Nobody's fault: SNS must come back, a 401 would lose the alarm.
    let answer = cloud.post(&to, "", &[], &alarm(&url, "ALARM")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers.contains_key("retry-after"));
    cloud
        .internet
        .publish(&url, StatusCode::BAD_GATEWAY, "later");
    assert_eq!(cloud.sns(&to, &alarm(&url, "ALARM")).await.0, 503);
    cloud.internet.publish(&url, StatusCode::NOT_FOUND, "none");
    assert_eq!(cloud.sns(&to, &alarm(&url, "ALARM")).await.0, 401);

    cloud.internet.publish(&url, StatusCode::OK, CERTIFICATE);
    cloud.internet.asked();
    for (state, action) in [("ALARM", "triggered "), ("OK", "resolved ")] {
        let answered = cloud.sns(&to, &alarm(&url, state)).await;
        assert_eq!(answered, (200, action.to_owned()));
    }
    assert_eq!(cloud.internet.asked(), std::slice::from_ref(&url));

    for (name, pem) in [("yesterday", OF_YESTERDAY), ("tomorrow", OF_TOMORROW)] {
        let url = format!("{SNS}/{name}.pem");
        cloud.internet.publish(&url, StatusCode::OK, pem);
        assert_eq!(cloud.sns(&to, &alarm(&url, "ALARM")).await.0, 401, "{name}");
    }

    // What is wrong for free is not even looked up.
    cloud.internet.asked();
    let mut unsigned = alarm(&url, "ALARM");
    unsigned["SigningCertURL"] = json!("https://sns.eu-west-1.amazonaws.com.attacker.test/a.pem");
    let answer = cloud.post(&to, "", &[], &unsigned).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(
        answer.headers["www-authenticate"]
            .to_str()
            .unwrap()
            .starts_with("Basic")
    );
    assert_eq!(cloud.internet.asked(), Vec::<String>::new());
    cloud.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_is_confirmed_only_where_it_is_verified() {
    let cloud = Cloud::start().await;
    let url = format!("{SNS}/subscription.pem");
    cloud.internet.publish(&url, StatusCode::OK, CERTIFICATE);
    let subscription = |to: &str| message("SubscriptionConfirmation", TOPIC, &url, "m", to);
    let yes = format!("{SNS}/?Action=ConfirmSubscription&Token=yes");
    cloud.internet.publish(&yes, StatusCode::OK, "<xml/>");
    let to = cloud.integration("cloudwatch", json!({})).await;

    let mut forged = subscription(&yes);
    forged["SubscribeURL"] = json!(format!("{SNS}/?Action=ConfirmSubscription&Token=no"));
    assert_eq!(cloud.sns(&to, &forged).await.0, 401);
    let end = message("UnsubscribeConfirmation", TOPIC, &url, "m", &yes);
    assert!(cloud.sns(&to, &end).await.1.contains("has ended"));
    assert_eq!(cloud.internet.asked(), std::slice::from_ref(&url));

    let first = subscription(&yes);
    let (status, said) = cloud.sns(&to, &first).await;
    assert_eq!((status, said.contains("is confirmed")), (200, true));
    assert_eq!(cloud.internet.asked(), [yes]);

    // A failure leaves the address to the operator.
    let no = format!("{SNS}/?Action=ConfirmSubscription&Token=no");
    cloud.internet.publish(&no, StatusCode::FORBIDDEN, "");
    for address in [no.as_str(), "https://attacker.test/", "http://127.0.0.1/"] {
        let (status, said) = cloud.sns(&to, &subscription(address)).await;
        assert_eq!(status, 200);
        assert!(
            said.contains("was not confirmed") && said.contains(address),
            "{said}"
        );
    }
    assert_eq!(cloud.internet.asked(), std::slice::from_ref(&no));
    let path = format!(
        "/api/services/{}/integrations/{}/requests",
        to.service, to.id
    );
    let log = cloud.world.api(Method::GET, &path, Value::Null).await;
    if log.status == StatusCode::OK {
        assert!(log.body.to_string().contains("Token=no"), "{}", log.body);
    }

    let quiet = cloud
        .integration("cloudwatch", json!({"settings": {"autoConfirm": false}}))
        .await;
    assert!(
        cloud
            .sns(&quiet, &subscription(&no))
            .await
            .1
            .contains("waits")
    );
    assert_eq!(cloud.internet.asked(), Vec::<String>::new());
    cloud.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_topics_that_subscribe_at_once_one_is_pinned() {
    let cloud = Cloud::start().await;
    let url = format!("{SNS}/race.pem");
    cloud.internet.publish(&url, StatusCode::OK, CERTIFICATE);
    let settings = json!({"settings": {"autoConfirm": false}});
    for _ in 0..5 {
        let to = cloud.integration("cloudwatch", settings.clone()).await;
        let subscription = |topic| {
            message(
                "SubscriptionConfirmation",
                topic,
                &url,
                "m",
                "https://x.test/",
            )
        };
        let (one, two) = (subscription(TOPIC), subscription("arn:aws:sns:r:1:other"));
        let (one, two) = tokio::join!(cloud.sns(&to, &one), cloud.sns(&to, &two));
        let mut statuses = [one.0, two.0];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401]);
    }
    // Changing the integration keeps the pin.
    let to = cloud.integration("cloudwatch", settings).await;
    let pin = message("SubscriptionConfirmation", TOPIC, &url, "m", "");
    assert_eq!(cloud.sns(&to, &pin).await.0, 200);
    let path = format!("/api/services/{}/integrations/{}", to.service, to.id);
    let changed = cloud
        .world
        .api(Method::PATCH, &path, json!({"name": "renamed"}))
        .await;
    assert_eq!(changed.status, StatusCode::OK);
    let other = message("Notification", "arn:aws:sns:r:1:other", &url, "m", "");
    assert_eq!(cloud.sns(&to, &other).await.0, 401);
    cloud.world.stop().await;
}

/// Signs these claims with RS256.
fn token(key: &[u8], kid: &str, claims: &Value) -> String {
    signed(
        key,
        &json!({"alg": "RS256", "typ": "JWT", "kid": kid}),
        claims,
    )
}

fn signed(key: &[u8], header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(key, &text));
    format!("{text}.{signature}")
}

/// The keys that an issuer publishes; the odd ones must not matter.
fn keys(kid: &str) -> String {
    let pair = RsaKeyPair::from_pkcs8(KEY).unwrap();
    let public: RsaPublicKeyComponents<Vec<u8>> = pair.public().into();
    json!({"keys": [
        {"kty": "EC", "kid": "odd", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "what", "kid": 7},
        null,
        {"kty": "RSA", "use": "sig", "kid": kid,
         "n": URL_SAFE_NO_PAD.encode(public.n), "e": URL_SAFE_NO_PAD.encode(public.e)},
    ]})
    .to_string()
}

/// The same claims with one changed; `null` takes it away.
fn with(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    match value {
        Value::Null => {
            claims.as_object_mut().unwrap().remove(name);
        }
        value => claims[name] = value,
    }
    claims
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn action_groups_prove_themselves_by_entras_token() {
    let cloud = Cloud::start().await;
    let url = "https://login.test/tenant/keys";
    let settings = json!({"jwksUrl": url, "audience": ["api://opsknight", "app-id"]});
    let to = cloud
        .integration("azure", json!({ "settings": settings }))
        .await;
    let body = json!({"data": {"essentials": {"alertId": "a", "monitorCondition": "Fired"}}});
    let now = Timestamp::now().unix_seconds();
    let good = json!({"aud": "api://opsknight", "exp": now + 600, "nbf": now - 5,
        "iss": "https://sts.windows.net/t/", "appid": "461e8683-5575-4561-ac7f-899cc907d62a"});

    let answer = cloud.token(&to, &token(KEY, "k1", &good), &body).await;
    assert_eq!(answer, 503, "the keys cannot be read");
    cloud.internet.publish(url, StatusCode::OK, keys("k1"));
    cloud.internet.asked();
    assert_eq!(cloud.token(&to, &token(KEY, "k1", &good), &body).await, 200);
    let azp = with(
        &with(&good, "azp", good["appid"].clone()),
        "appid",
        Value::Null,
    );
    let azp = with(&azp, "aud", json!("app-id"));
    assert_eq!(cloud.token(&to, &token(KEY, "k1", &azp), &body).await, 200);
    assert_eq!(cloud.internet.asked(), [url], "the keys are kept");

    for (why, claims) in [
        ("expired", with(&good, "exp", json!(now - 300))),
        ("no expiry", with(&good, "exp", Value::Null)),
        ("expiry of a wrong type", with(&good, "exp", json!("never"))),
        ("not yet", with(&good, "nbf", json!(now + 600))),
        ("audience", with(&good, "aud", json!("api://other"))),
        ("no audience", with(&good, "aud", Value::Null)),
        ("application", with(&good, "appid", json!("another"))),
        ("no application", with(&good, "appid", Value::Null)),
    ] {
        let status = cloud.token(&to, &token(KEY, "k1", &claims), &body).await;
        assert_eq!(status, 401, "{why}");
    }
    let whole = token(KEY, "k1", &good);
    let (text, _) = whole.rsplit_once('.').unwrap();
    for (why, token) in [
        ("other key", token(OTHER_KEY, "k1", &good)),
        ("unknown key id", token(KEY, "k2", &good)),
        ("no key id", signed(KEY, &json!({"alg": "RS256"}), &good)),
        (
            "no algorithm",
            signed(KEY, &json!({"alg": "none", "kid": "k1"}), &good),
        ),
        (
            "symmetric",
            signed(KEY, &json!({"alg": "HS256", "kid": "k1"}), &good),
        ),
        (
            "another hash",
            signed(KEY, &json!({"alg": "RS512", "kid": "k1"}), &good),
        ),
        ("cut off", format!("{text}.")),
        ("garbage", "a.b.c".to_owned()),
    ] {
        assert_eq!(cloud.token(&to, &token, &body).await, 401, "{why}");
    }
    let bare = cloud.post(&to, "", &[], &body).await;
    assert_eq!(bare.status, StatusCode::UNAUTHORIZED);
    cloud.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pubsub_proves_itself_by_googles_token_or_the_secret() {
    let cloud = Cloud::start().await;
    let url = "https://google.test/certs";
    let settings =
        json!({"jwksUrl": url, "audience": "opsknight", "serviceAccount": "push@shop.iam.test"});
    let fields = json!({ "settings": settings, "signatureSecret": "a secret for both ways" });
    let to = cloud.integration("google-cloud-monitoring", fields).await;
    let body = json!({"incident": {"incident_id": "1", "state": "open"}});
    let now = Timestamp::now().unix_seconds();
    let good = json!({"aud": "opsknight", "exp": now + 600, "iss": "https://accounts.google.com",
        "email": "push@shop.iam.test", "email_verified": true});

    assert_eq!(cloud.token(&to, &token(KEY, "g", &good), &body).await, 429);
    cloud.internet.publish(url, StatusCode::OK, keys("g"));
    assert_eq!(cloud.token(&to, &token(KEY, "g", &good), &body).await, 200);
    for (why, claims) in [
        (
            "issuer",
            with(&good, "iss", json!("https://accounts.google.com.test")),
        ),
        ("no issuer", with(&good, "iss", Value::Null)),
        ("account", with(&good, "email", json!("pull@shop.iam.test"))),
        ("unverified", with(&good, "email_verified", json!(false))),
        ("audience", with(&good, "aud", json!("other"))),
        ("expired", with(&good, "exp", json!(now - 300))),
    ] {
        let status = cloud.token(&to, &token(KEY, "g", &claims), &body).await;
        assert_eq!(status, 401, "{why}");
    }
    let by_secret = cloud
        .post(&to, "&auth_token=a+secret+for+both+ways", &[], &body)
        .await;
    assert_eq!(by_secret.status, StatusCode::OK);
    let wrong = cloud.post(&to, "&auth_token=wrong", &[], &body).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);

    // `auth_token` and Basic serve `requireKey` in the same way.
    let keyed = cloud
        .integration("google-cloud-monitoring", json!({"requireKey": true}))
        .await;
    let none = cloud.post(&keyed, "", &[], &body).await;
    assert_eq!(none.status, StatusCode::UNAUTHORIZED);
    let query = format!("&auth_token={}", keyed.key);
    let headers = [("authorization", "Bearer something else")];
    let with_key = cloud.post(&keyed, &query, &headers, &body).await;
    assert_eq!(with_key.status, StatusCode::OK);
    cloud.world.stop().await;
}
