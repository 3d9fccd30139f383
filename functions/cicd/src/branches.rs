//! Which branches are watched, and how much a failure on one weighs
//! (`vendors/README.md`, rule 8).

use common::{alert::Severity, intake::Parsed, integration::Settings};

/// Where a build belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the default branch.
    Default,
    /// On another branch, in a fork or in a merge request.
    Other,
    /// The body does not say: nobody's alert may get lost for that.
    Unknown,
}

impl Place {
    /// The place of this branch, where the default one has this name.
    pub(crate) fn of(branch: Option<&str>, default_branch: Option<&str>) -> Self {
        match (branch, default_branch) {
            (Some(branch), Some(default)) if branch == default => Self::Default,
            (Some(_), Some(_)) => Self::Other,
            _ => Self::Unknown,
        }
    }

    /// The severity of a failed build. The setting `criticalOnDefaultBranch`
    /// wakes people for the default branch.
    pub(crate) fn severity(self, settings: &Settings) -> Severity {
        match self {
            Self::Default if settings.flag("criticalOnDefaultBranch", false) => Severity::Critical,
            Self::Default | Self::Unknown => Severity::Error,
            Self::Other => Severity::Warning,
        }
    }
}

/// Whether the setting `branches` leaves this branch out. An unknown branch is
/// never left out.
///
/// # Errors
/// The entry that says so.
pub(crate) fn check_watched(settings: &Settings, branch: Option<&str>) -> Result<(), Parsed> {
    match (settings.list("branches"), branch) {
        (Some(patterns), Some(branch)) if !is_listed(&patterns, branch) => Err(Parsed::ignored(
            format!("branch {branch} is not one of the setting `branches`"),
        )),
        _ => Ok(()),
    }
}

/// Whether the list, where there is one, has this name or a pattern of it.
fn is_listed(patterns: &[&str], branch: &str) -> bool {
    patterns.is_empty()
        || patterns
            .iter()
            .any(|pattern| matches(pattern.trim(), branch))
}

/// Whether the name is of this pattern, in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(start) else {
        return false;
    };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let end = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match name.find(piece) {
            Some(at) => name = &name[at + piece.len()..],
            None => return false,
        }
    }
    name.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name) in [
            ("main", "main"),
            ("*", ""),
            ("*", "feat/x"),
            ("release/*", "release/2026/09"),
            ("*/hotfix", "team/hotfix"),
            ("a*b*c", "a-b-b-c"),
            ("a*b*c", "abc"),
            ("**", "x"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("main", "Main"),
            ("main", "main2"),
            ("", "main"),
            ("release/*", "release"),
            ("a*b*c", "a-c-b"),
            ("ab*bc", "abc"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn only_known_names_are_default_or_other() {
        assert_eq!(Place::of(Some("main"), Some("main")), Place::Default);
        assert_eq!(Place::of(Some("feat"), Some("main")), Place::Other);
        assert_eq!(Place::of(None, Some("main")), Place::Unknown);
        assert_eq!(Place::of(Some("main"), None), Place::Unknown);
    }
}
