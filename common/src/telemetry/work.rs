//! A unit of work (a request, a batch, a run of the clock) and the one line
//! that tells of it: its metrics in CloudWatch's embedded metric format, and
//! the fields to find it by.
//!
//! The line goes to standard output as it is, past the logger: CloudWatch reads
//! the format from JSON lines. Where metrics are off, the logger gets the same
//! as text. Neither can fail or hold up the work.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io::Write as _,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use super::metric::{Metric, Unit};
use crate::{config, time::Timestamp};

/// Values of one metric in a line: CloudWatch takes no more.
const VALUES: usize = 100;
/// The namespace of the metrics, unless `OPSKNIGHT_METRICS_NAMESPACE` says.
const NAMESPACE: &str = "OpsKnight";

tokio::task_local! {
    static WORK: RefCell<Work>;
    static CORRELATION: Arc<str>;
}

/// A metric and the one dimension that it is told by, if any.
type Series = (Metric, Option<(&'static str, String)>);

/// What a unit of work has to tell.
#[derive(Debug)]
struct Work {
    name: &'static str,
    started: Instant,
    fields: Map<String, Value>,
    metrics: BTreeMap<Series, Vec<u64>>,
}

/// Whether and where to metrics are written.
#[derive(Debug)]
struct Output {
    is_on: bool,
    namespace: String,
}

impl Output {
    /// On in Lambda; `OPSKNIGHT_METRICS` (`emf` or `off`) says otherwise.
    fn get() -> &'static Self {
        static OUTPUT: OnceLock<Output> = OnceLock::new();
        OUTPUT.get_or_init(|| Self {
            is_on: config::optional("OPSKNIGHT_METRICS").map_or_else(
                || std::env::var_os("AWS_LAMBDA_FUNCTION_NAME").is_some(),
                |word| word.trim() == "emf",
            ),
            namespace: config::optional("OPSKNIGHT_METRICS_NAMESPACE")
                .unwrap_or_else(|| NAMESPACE.to_owned()),
        })
    }
}

/// Does some work and tells of it. What is counted inside belongs to it.
pub async fn work<T>(name: &'static str, doing: impl Future<Output = T>) -> T {
    let work = Work {
        name,
        started: Instant::now(),
        fields: Map::new(),
        metrics: BTreeMap::new(),
    };
    let telling = async {
        let done = doing.await;
        WORK.with(|work| work.borrow().tell());
        done
    };
    WORK.scope(RefCell::new(work), telling).await
}

/// Does something that is traced back to this id: the request that an alert
/// came with, on its whole way.
pub async fn correlated<T>(id: Option<&str>, doing: impl Future<Output = T>) -> T {
    match id {
        Some(id) => CORRELATION.scope(id.into(), doing).await,
        None => doing.await,
    }
}

/// What the present work is traced back to.
pub fn correlation_id() -> Option<String> {
    CORRELATION.try_with(|id| id.to_string()).ok()
}

/// Counts so many of something.
pub fn count(metric: Metric, count: usize) {
    add(metric, None, count as u64);
}

/// Counts so many of something of this kind. The kinds have to be few.
pub fn count_by(metric: Metric, dimension: &'static str, kind: &str, count: usize) {
    add(metric, Some((dimension, kind.to_owned())), count as u64);
}

/// Notes a value.
pub fn measure(metric: Metric, value: u64) {
    add(metric, None, value);
}

/// Notes a time.
pub fn measure_time(metric: Metric, time: Duration) {
    measure(metric, u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
}

/// Notes how long the present work has taken.
pub fn measure_work(metric: Metric) {
    if let Ok(elapsed) = WORK.try_with(|work| work.borrow().started.elapsed()) {
        measure_time(metric, elapsed);
    }
}

/// Notes what the work can be found by: never a secret, a body or a query.
pub fn field(name: &'static str, value: impl Into<Value>) {
    let _ = WORK.try_with(|work| {
        let fields = &mut work.borrow_mut().fields;
        fields.insert(name.to_owned(), value.into());
    });
}

fn add(metric: Metric, kind: Option<(&'static str, String)>, value: u64) {
    let _ = WORK.try_with(|work| work.borrow_mut().add(metric, kind, value));
}

impl Work {
    fn add(&mut self, metric: Metric, kind: Option<(&'static str, String)>, value: u64) {
        if value == 0 && metric.unit() == Unit::Count {
            return;
        }
        let values = self.metrics.entry((metric, kind)).or_default();
        if let (Unit::Count, Some(sum)) = (metric.unit(), values.first_mut()) {
            *sum = sum.saturating_add(value);
        } else if values.len() < VALUES {
            values.push(value);
        }
    }

    fn tell(&self) {
        if self.metrics.is_empty() {
            return;
        }
        let (output, correlation) = (Output::get(), correlation_id());
        if !output.is_on {
            tracing::info!(
                correlation_id = correlation,
                "{}: {}",
                self.name,
                self.as_text()
            );
            return;
        }
        let mut text = String::new();
        for line in self.lines(&output.namespace, correlation.as_deref(), Timestamp::now()) {
            text.push_str(&line.to_string());
            text.push('\n');
        }
        // One write: lines of other threads stay whole.
        let _ = std::io::stdout().lock().write_all(text.as_bytes());
    }

    fn as_text(&self) -> String {
        let fields = self.fields.iter().map(|(name, value)| match value {
            Value::String(text) => format!("{name}={text}"),
            other => format!("{name}={other}"),
        });
        let plain = self.metrics.iter().filter(|((_, kind), _)| kind.is_none());
        let metrics = plain.map(|((metric, _), values)| match values.as_slice() {
            [one] => format!("{}={one}", metric.as_str()),
            many => format!("{}={many:?}", metric.as_str()),
        });
        fields.chain(metrics).collect::<Vec<_>>().join(" ")
    }

    /// One line, and more only where a dimension has several values: a line has
    /// room for one.
    fn lines(&self, namespace: &str, correlation: Option<&str>, now: Timestamp) -> Vec<Value> {
        let mut left: Vec<(&Series, &Vec<u64>)> = self.metrics.iter().collect();
        let mut lines = Vec::new();
        while !left.is_empty() {
            let mut line = self.fields.clone();
            line.insert("level".to_owned(), "INFO".into());
            line.insert("timestamp".to_owned(), now.to_string().into());
            line.insert("message".to_owned(), self.name.into());
            line.extend(correlation.map(|id| ("correlation_id".to_owned(), id.into())));
            let mut directives: BTreeMap<Option<&str>, Vec<Value>> = BTreeMap::new();
            left.retain(|((metric, kind), values)| {
                let kind = kind.as_ref().map(|(name, value)| (*name, value.as_str()));
                if !takes(&line, kind, *metric, values) {
                    return true;
                }
                line.insert(metric.as_str().to_owned(), written(values));
                line.extend(kind.map(|(name, value)| (name.to_owned(), value.into())));
                let named = json!({ "Name": metric.as_str(), "Unit": metric.unit().as_str() });
                directives
                    .entry(kind.map(|(name, _)| name))
                    .or_default()
                    .push(named);
                false
            });
            let directives: Vec<Value> = directives
                .into_iter()
                .map(|(dimension, metrics)| {
                    let set: Vec<&str> = dimension.into_iter().collect();
                    json!({ "Namespace": namespace, "Dimensions": [set], "Metrics": metrics })
                })
                .collect();
            let aws = json!({ "Timestamp": now.unix_millis(), "CloudWatchMetrics": directives });
            line.insert("_aws".to_owned(), aws);
            lines.push(Value::Object(line));
        }
        lines
    }
}

/// Whether a line has room for this: neither the metric nor the dimension is in
/// it with another value.
fn takes(
    line: &Map<String, Value>,
    kind: Option<(&str, &str)>,
    metric: Metric,
    values: &[u64],
) -> bool {
    let same = |name: &str, value: &Value| line.get(name).is_none_or(|there| there == value);
    same(metric.as_str(), &written(values))
        && kind.is_none_or(|(name, value)| same(name, &Value::from(value)))
}

fn written(values: &[u64]) -> Value {
    match values {
        [one] => (*one).into(),
        many => many.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started() -> Work {
        Work {
            name: "test",
            started: Instant::now(),
            fields: Map::new(),
            metrics: BTreeMap::new(),
        }
    }

    fn lines(work: &Work) -> Vec<Value> {
        work.lines("OpsKnight", Some("req_1"), Timestamp::from_unix_millis(7))
    }

    /// What CloudWatch makes of a line: dimension and value, metric, values.
    fn read(line: &Value) -> Vec<(String, String, Value)> {
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        let mut found = Vec::new();
        for directive in directives {
            assert_eq!(directive["Namespace"], "OpsKnight");
            for set in directive["Dimensions"].as_array().unwrap() {
                let names = set.as_array().unwrap().iter().filter_map(Value::as_str);
                let kind: Vec<_> = names
                    .map(|name| format!("{name}={}", line[name].as_str().unwrap()))
                    .collect();
                for metric in directive["Metrics"].as_array().unwrap() {
                    let name = metric["Name"].as_str().unwrap().to_owned();
                    let value = line[&name].clone();
                    assert!(value.is_number() || value.is_array(), "{name}: {value}");
                    assert!(["Count", "Milliseconds"].contains(&metric["Unit"].as_str().unwrap()));
                    found.push((kind.join(","), name, value));
                }
            }
        }
        found
    }

    #[test]
    fn a_line_has_the_shape_of_the_embedded_metric_format() {
        let mut work = started();
        work.fields.insert("service.id".to_owned(), "svc_1".into());
        work.add(Metric::AlertsTriggered, None, 2);
        work.add(Metric::AlertsTriggered, None, 1);
        work.add(Metric::AlertsResolved, None, 0);
        work.add(Metric::Alerts, Some(("Provider", "grafana".to_owned())), 3);
        work.add(Metric::IntakeDuration, None, 12);
        let lines = lines(&work);
        let [line] = lines.as_slice() else {
            panic!("one line: {lines:?}");
        };
        assert_eq!(line["_aws"]["Timestamp"], 7);
        assert_eq!(line["correlation_id"], "req_1");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["service.id"], "svc_1");
        let expected = [
            ("", "AlertsTriggered", json!(3)),
            ("", "IntakeDuration", json!(12)),
            ("Provider=grafana", "Alerts", json!(3)),
        ];
        let expected =
            expected.map(|(kind, name, value)| (kind.to_owned(), name.to_owned(), value));
        assert_eq!(read(line), expected);
        assert!(!line.to_string().contains('\n'));
    }

    #[test]
    fn a_dimension_with_two_values_takes_two_lines_and_counts_nothing_twice() {
        let mut work = started();
        work.add(Metric::AlertsIgnored, None, 5);
        for (reason, count) in [("unrecognised", 3), ("duplicate", 2)] {
            work.add(
                Metric::AlertsIgnored,
                Some(("Reason", reason.to_owned())),
                count,
            );
        }
        let found: Vec<_> = lines(&work).iter().flat_map(read).collect();
        let sum = |kind: &str| -> Vec<u64> {
            let of_kind = found.iter().filter(|(found, _, _)| found.contains(kind));
            of_kind.filter_map(|(_, _, value)| value.as_u64()).collect()
        };
        assert_eq!(found.len(), 3);
        assert_eq!(sum("unrecognised"), [3]);
        assert_eq!(sum("duplicate"), [2]);
        assert_eq!(
            found.iter().filter(|(kind, _, _)| kind.is_empty()).count(),
            1
        );
    }

    #[test]
    fn times_keep_their_values_up_to_what_a_line_takes() {
        let mut work = started();
        for value in 0..150 {
            work.add(Metric::DeliveryAge, None, value);
        }
        let found = read(&lines(&work)[0]);
        assert_eq!(found[0].2.as_array().map(Vec::len), Some(VALUES));
        assert_eq!(found[0].2[99], 99);
    }

    #[tokio::test]
    async fn what_is_counted_belongs_to_the_work_around_it() {
        count(Metric::Events, 1);
        assert_eq!(correlation_id(), None);
        let doing = correlated(Some("req_2"), async {
            count(Metric::Events, 2);
            WORK.with(|work| {
                let value = work.borrow().metrics[&(Metric::Events, None)].clone();
                (value, correlation_id())
            })
        });
        let told = work("test", doing).await;
        assert_eq!(told, (vec![2], Some("req_2".to_owned())));
    }

    #[test]
    fn metrics_have_different_names() {
        let mut names: Vec<_> = Metric::ALL.iter().map(|metric| metric.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Metric::ALL.len());
    }
}
