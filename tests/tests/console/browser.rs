//! A browser without scripts: keeps the cookie, shows pages, fills in forms,
//! and follows no redirect by itself.

use http::{
    HeaderMap, Method, StatusCode,
    header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE},
};
use opsknight_tests::World;
use regex_lite::Regex;

/// A browser at a console.
pub struct Browser {
    url: String,
    client: reqwest::Client,
    pub cookie: Option<String>,
}

/// What a browser got.
#[derive(Debug, Clone)]
pub struct Shown {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub html: String,
}

impl Browser {
    /// A browser that nobody is logged in with.
    pub fn new(world: &World) -> Self {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        Self {
            url: world.url().to_owned(),
            client,
            cookie: None,
        }
    }

    /// A browser of somebody with the admin key.
    pub async fn logged_in(world: &World) -> Self {
        Self::with_key(world, world.admin_key()).await
    }

    /// A browser of somebody with this key.
    pub async fn with_key(world: &World, key: &str) -> Self {
        let mut browser = Self::new(world);
        let answer = browser.post("/login", &[("key", key)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.html);
        browser.keep(&answer);
        browser
    }

    /// Keeps the cookie of an answer.
    pub fn keep(&mut self, answer: &Shown) {
        let set = answer.header(SET_COOKIE.as_str());
        self.cookie = set.split(';').next().map(str::to_owned);
    }

    /// A request with these headers beside the cookie.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Shown {
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.url))
            .body(body);
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("an answer");
        Shown {
            status: response.status(),
            headers: response.headers().clone(),
            html: response.text().await.expect("a whole answer"),
        }
    }

    /// Opens a page.
    pub async fn get(&self, path: &str) -> Shown {
        self.send(Method::GET, path, &[], String::new()).await
    }

    /// Opens a page that must be there.
    pub async fn page(&self, path: &str) -> Shown {
        let shown = self.get(path).await;
        assert_eq!(shown.status, StatusCode::OK, "{path}: {}", shown.html);
        shown
    }

    /// Sends these fields as a form of our own pages.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let headers = [
            (ORIGIN.as_str(), self.url.as_str()),
            (CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded"),
        ];
        self.send(Method::POST, path, &headers, encoded(fields))
            .await
    }

    /// Fills in the form of a page that goes to this path, its hidden fields
    /// included, and sends it.
    pub async fn submit(&self, page: &Shown, action: &str, fields: &[(&str, &str)]) -> Shown {
        let hidden = page.hidden(action);
        let hidden = hidden.iter().map(|(name, value)| (&**name, &**value));
        let all: Vec<(&str, &str)> = hidden.chain(fields.iter().copied()).collect();
        self.post(action, &all).await
    }

    /// The page that an answer redirects to.
    pub async fn follow(&self, answer: &Shown) -> Shown {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.html);
        self.page(answer.location()).await
    }
}

pub fn encoded(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => char::from(byte).to_string(),
                other => format!("%{other:02X}"),
            })
            .collect()
    };
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{}={}", escape(name), escape(value)));
    pairs.collect::<Vec<_>>().join("&")
}

impl Shown {
    /// A header's text.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("text"))
    }

    /// Where it leads to.
    pub fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    /// What a person reads, on one line.
    pub fn text(&self) -> String {
        let tags = Regex::new("(?s)<[^>]*>").expect("a pattern");
        let text = tags.replace_all(&self.html, " ");
        let text = text.replace("&lt;", "<").replace("&gt;", ">");
        let text = text.replace("&quot;", "\"").replace("&amp;", "&");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Checks that a person reads this.
    #[track_caller]
    pub fn says(&self, what: &str) -> &Self {
        let text = self.text();
        assert!(text.contains(what), "{what:?} is not in: {text}");
        self
    }

    /// Checks that a person does not read this.
    #[track_caller]
    pub fn is_silent_on(&self, what: &str) -> &Self {
        assert!(!self.html.contains(what), "{what:?} is in: {}", self.html);
        self
    }

    /// The form that goes to this path.
    #[track_caller]
    fn form(&self, action: &str) -> &str {
        let start = self
            .html
            .find(&format!("action=\"{action}\""))
            .unwrap_or_else(|| panic!("no form to {action} in: {}", self.html));
        let rest = &self.html[start..];
        rest.split("</form>").next().unwrap_or(rest)
    }

    /// The hidden fields of the form that goes to this path.
    #[track_caller]
    pub fn hidden(&self, action: &str) -> Vec<(String, String)> {
        let hidden = Regex::new(r#"<input type="hidden" name="([^"]*)" value="([^"]*)""#)
            .expect("a pattern");
        let found = hidden.captures_iter(self.form(action));
        found
            .map(|one| (one[1].to_owned(), one[2].to_owned()))
            .collect()
    }

    /// The value of a field of this form, where it is one line of text.
    #[track_caller]
    pub fn typed(&self, action: &str, name: &str) -> String {
        let field = Regex::new(&format!(r#"name="{name}" value="([^"]*)""#)).expect("a pattern");
        let found = field.captures(self.form(action));
        found.unwrap_or_else(|| panic!("no field {name} in {}", self.html))[1].to_owned()
    }

    /// What is shown once.
    #[track_caller]
    pub fn secret(&self) -> String {
        let secret = Regex::new(r#"<code class="secret">([^<]*)</code>"#).expect("a pattern");
        let found = secret.captures(&self.html);
        found.unwrap_or_else(|| panic!("no secret in {}", self.html))[1].to_owned()
    }
}
