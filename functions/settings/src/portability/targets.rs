//! Which existing item an entry of a document means: the one of its id, else
//! the one of its name.

use std::{collections::HashMap, hash::Hash};

/// What an entry means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target<I> {
    /// The existing item at this place of the list.
    Existing(usize),
    /// One to be made, with this id where the document gives it.
    New(Option<I>),
    /// The same as this earlier entry.
    Twice(usize),
    /// One of several that bear its name.
    Ambiguous,
}

/// What each entry, known by id and name, means among the existing items. An
/// item that one entry names by its id is no other entry's by its name: the
/// document may be renaming it.
pub(crate) fn find<I, K>(wanted: &[(Option<I>, Option<K>)], existing: &[(I, K)]) -> Vec<Target<I>>
where
    I: Copy + Eq + Hash,
    K: Eq + Hash,
{
    let place: HashMap<I, usize> = (existing.iter().enumerate())
        .map(|(index, (id, _))| (*id, index))
        .collect();
    let mut first_of_id: HashMap<I, usize> = HashMap::new();
    for (index, (id, _)) in wanted.iter().enumerate() {
        if let Some(id) = id {
            first_of_id.entry(*id).or_insert(index);
        }
    }
    let mut by_name: HashMap<&K, Vec<usize>> = HashMap::new();
    for (index, (id, name)) in existing.iter().enumerate() {
        if !first_of_id.contains_key(id) {
            by_name.entry(name).or_default().push(index);
        }
    }
    let mut first_of_name: HashMap<&K, usize> = HashMap::new();
    let mut targets = Vec::with_capacity(wanted.len());
    for (index, (id, name)) in wanted.iter().enumerate() {
        targets.push(match (*id, name) {
            (Some(id), _) => match (first_of_id.get(&id), place.get(&id)) {
                (Some(first), _) if *first < index => Target::Twice(*first),
                (_, Some(place)) => Target::Existing(*place),
                (_, None) => Target::New(Some(id)),
            },
            // A missing name is told where names are read.
            (None, None) => Target::New(None),
            (None, Some(name)) => {
                let first = *first_of_name.entry(name).or_insert(index);
                match by_name.get(name).map(Vec::as_slice) {
                    _ if first < index => Target::Twice(first),
                    None | Some([]) => Target::New(None),
                    Some([one]) => Target::Existing(*one),
                    Some(_) => Target::Ambiguous,
                }
            }
        });
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXISTING: [(u8, &str); 4] = [(1, "a"), (2, "b"), (3, "twins"), (4, "twins")];

    fn found(wanted: &[(Option<u8>, Option<&'static str>)]) -> Vec<Target<u8>> {
        find(wanted, &EXISTING)
    }

    #[test]
    fn the_id_goes_before_the_name() {
        let wanted = [
            (Some(2), Some("a")),
            (Some(9), Some("a")),
            (None, Some("a")),
        ];
        let expected = [
            Target::Existing(1),
            Target::New(Some(9)),
            Target::Existing(0),
        ];
        assert_eq!(found(&wanted), expected);
    }

    #[test]
    fn what_is_claimed_by_its_id_is_nobody_elses_by_its_name() {
        // The first entry renames 1; the second one is a new "a".
        let wanted = [(Some(1), Some("renamed")), (None, Some("a"))];
        assert_eq!(found(&wanted), [Target::Existing(0), Target::New(None)]);
        let wanted = [(Some(3), Some("twins")), (None, Some("twins"))];
        assert_eq!(found(&wanted), [Target::Existing(2), Target::Existing(3)]);
    }

    #[test]
    fn what_is_said_twice_or_could_mean_two_is_told() {
        let wanted = [
            (None, Some("a")),
            (None, Some("a")),
            (Some(2), None),
            (Some(2), None),
            (None, Some("twins")),
            (None, Some("new")),
            (None, Some("new")),
            (None, None),
            (None, None),
        ];
        let expected = [
            Target::Existing(0),
            Target::Twice(0),
            Target::Existing(1),
            Target::Twice(2),
            Target::Ambiguous,
            Target::New(None),
            Target::Twice(5),
            Target::New(None),
            Target::New(None),
        ];
        assert_eq!(found(&wanted), expected);
    }
}
