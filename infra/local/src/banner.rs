//! What a start prints: where everything is, and a first command to try.

use crate::{inbox, stack::Stack};

/// Prints it to standard output.
#[expect(clippy::print_stdout, reason = "the program's output to its user")]
pub fn print(stack: &Stack) {
    println!("{}", text(stack));
}

fn text(stack: &Stack) -> String {
    let url = stack.url();
    let mut lines = vec![
        format!("OpsKnight Webhooks on {url}"),
        format!("  console    {url}/   (log in with the admin key)"),
        format!(
            "  inbox      {url}{}   (the built-in receiver: watch deliveries arrive)",
            inbox::PATH
        ),
        format!("  health     {url}/api/health"),
        format!("  admin key  {}", stack.admin_key()),
        format!("  data       {}", stack.data_description()),
    ];
    if let Some(intake_url) = stack.demo_intake_url() {
        lines.extend([
            String::new(),
            "Send an alert:".to_owned(),
            format!(
                "  curl -X POST '{intake_url}' -H 'Content-Type: application/json' \\\n    \
                 -d '{{\"summary\": \"Disk almost full on db-1\", \"severity\": \"critical\", \"dedup_key\": \"disk-db-1\"}}'"
            ),
            "Resolve it:".to_owned(),
            format!(
                "  curl -X POST '{intake_url}' -H 'Content-Type: application/json' \\\n    \
                 -d '{{\"status\": \"resolved\", \"dedup_key\": \"disk-db-1\"}}'"
            ),
        ]);
    }
    lines.extend([
        "See the incidents:".to_owned(),
        format!(
            "  curl '{url}/api/incidents' -H 'Authorization: Bearer {}'",
            stack.admin_key()
        ),
        String::new(),
        "Ctrl-C stops; what was accepted is still here at the next start.".to_owned(),
    ]);
    lines.join("\n")
}
