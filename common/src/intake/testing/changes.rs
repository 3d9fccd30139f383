//! Changes of a JSON body: dropped, nulled, retyped, or another value instead.

use std::ops::Range;

use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Value, json};

/// What is done to one value of a body.
#[derive(Debug, Clone)]
pub enum Change {
    /// It is left out.
    Drop,
    /// This is there instead.
    Replace(Value),
    /// It is in a list.
    List,
    /// It is the field of this name of an object.
    Nest(&'static str),
    /// A number, flag, list or object becomes its text.
    Text,
    /// A text becomes the number that it says.
    Number,
}

/// Changes, each with where it is made.
pub type Changes = Vec<(Index, Change)>;

/// Changes without a word that a tool would send: they break a body, and do not
/// make it say something else.
pub fn retypings(count: Range<usize>) -> impl Strategy<Value = Changes> {
    vec((any::<Index>(), retyping()), count)
}

/// Changes that put these values in place of others as well.
pub fn changes(
    values: impl Strategy<Value = Value> + 'static,
    count: Range<usize>,
) -> impl Strategy<Value = Changes> {
    let change = prop_oneof![retyping(), values.prop_map(Change::Replace)];
    vec((any::<Index>(), change), count)
}

fn retyping() -> impl Strategy<Value = Change> {
    let odd = prop::sample::select(vec![
        json!(""),
        json!("ÄÖ severity= [P \u{0} – CRITICAL"),
        json!(-1.5e300),
        json!(1.5e300),
        json!(-7),
        json!(true),
        json!({}),
        json!([]),
    ]);
    prop_oneof![
        2 => Just(Change::Drop),
        2 => Just(Change::Replace(Value::Null)),
        3 => odd.prop_map(Change::Replace),
        1 => Just(Change::List),
        1 => prop::sample::select(vec!["name", "data"]).prop_map(Change::Nest),
        1 => Just(Change::Text),
        1 => Just(Change::Number),
    ]
}

/// The body after changes, each of one value in it.
#[must_use]
pub fn mutated(body: &Value, changes: &Changes) -> Value {
    let mut body = body.clone();
    for (place, change) in changes {
        let mut pointers = Vec::new();
        collect_pointers(&body, "", &mut pointers);
        if pointers.is_empty() {
            break;
        }
        let pointer: &String = place.get(&pointers);
        apply(&mut body, pointer, change);
    }
    body
}

/// The body with other values in these places, where it has them.
#[must_use]
pub fn with_values<V: Clone + Into<Value>>(body: &Value, values: &[(&str, V)]) -> Value {
    let mut body = body.clone();
    for (pointer, value) in values {
        if let Some(place) = body.pointer_mut(pointer) {
            *place = value.clone().into();
        }
    }
    body
}

fn collect_pointers(value: &Value, at: &str, pointers: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(object) => object
            .iter()
            .map(|(key, child)| (key.replace('~', "~0").replace('/', "~1"), child))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, child)| (index.to_string(), child))
            .collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        let pointer = format!("{at}/{key}");
        collect_pointers(child, &pointer, pointers);
        pointers.push(pointer);
    }
}

fn apply(body: &mut Value, pointer: &str, change: &Change) {
    if let Change::Drop = change {
        let (parent, key) = pointer.rsplit_once('/').unwrap_or_default();
        return match body.pointer_mut(parent) {
            Some(Value::Object(object)) => {
                object.remove(&key.replace("~1", "/").replace("~0", "~"));
            }
            Some(Value::Array(items)) => drop(key.parse().map(|index: usize| items.remove(index))),
            _ => {}
        };
    }
    let Some(place) = body.pointer_mut(pointer) else {
        return;
    };
    let old = place.take();
    *place = match (change, old) {
        (Change::Replace(value), _) => value.clone(),
        (Change::List, old) => json!([old]),
        (Change::Nest(name), old) => json!({ *name: old }),
        (Change::Text, Value::String(text)) => json!(json!(text).to_string()),
        (Change::Text, old) => json!(old.to_string()),
        (Change::Number, Value::String(text)) => text
            .parse::<i64>()
            .map_or(json!(text), |number| json!(number)),
        (Change::Number | Change::Drop, old) => old,
    };
}
