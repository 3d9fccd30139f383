//! `opsknight export` and `opsknight import`

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use http::Method;
use serde_json::{Value, json};

use super::{
    Context,
    answer::Answer,
    client::Request,
    failure::Failure,
    table::{self, Column, column, text_column},
};

/// Calls of one import, each of which makes up to 250 changes.
const CALLS: usize = 100;
/// Largest document that is read, bytes; the API takes 1 MiB.
const DOCUMENT_BYTES: u64 = 16 * 1024 * 1024;

const COLUMNS: &[Column] = &[
    column("ACTION", "/action"),
    column("KIND", "/kind"),
    text_column("NAME", "/name"),
    column("ID", "/id"),
    text_column("REMARK", "/remark"),
];

/// What is generated for a created item.
const SECRETS: [&str; 4] = ["url", "key", "signatureSecret", "secret"];

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
pub(crate) struct ExportArgs {
    /// The file to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// With signature secrets, webhook secrets and header values
    #[arg(long)]
    secrets: bool,
}

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
pub(crate) struct ImportArgs {
    /// The document; - reads standard input
    file: PathBuf,
    /// Only tell what would be done
    #[arg(long)]
    dry_run: bool,
    /// Delete what the document does not name
    #[arg(long)]
    prune: bool,
    /// Write generated keys and secrets to this new file, one JSON object a
    /// line, instead of printing them: for logs that others read
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    secrets_to: Option<PathBuf>,
}

pub(crate) async fn export(context: &Context, args: ExportArgs) -> Result<(), Failure> {
    let secrets = args.secrets.then(|| "true".to_owned());
    let request = Request::get(&["api", "export"]).query(&[("secrets", secrets)]);
    let answer = context.client.call(request).await?;
    let Some(file) = args.output else {
        return context.output.write(&answer.bytes);
    };
    replace(&file, &answer.bytes, args.secrets).map_err(|error| unwritable(&file, &error))
}

/// Puts a file in the place of another one, whole or not at all. With secrets
/// it is its owner's alone.
fn replace(file: &Path, bytes: &[u8], has_secrets: bool) -> io::Result<()> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    if !has_secrets {
        let everyones = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        builder.permissions(everyones);
    }
    let mut temporary = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    temporary.write_all(bytes)?;
    temporary.persist(file).map_err(|error| error.error)?;
    Ok(())
}

pub(crate) async fn import(context: &Context, args: ImportArgs) -> Result<(), Failure> {
    let document = read(&args.file).map_err(|error| {
        Failure::failed(format!("{} cannot be read: {error}", args.file.display()))
    })?;
    if args.secrets_to.is_some() && context.output.is_json() {
        return Err(Failure::usage(
            "--secrets-to does not go with --json, which prints them",
        ));
    }
    let mut vault = args.secrets_to.map(Vault::create).transpose()?;
    let flag = |is_set: bool| is_set.then(|| "true".to_owned());
    let request = Request::new(Method::POST, &["api", "import"])
        .query(&[("dryRun", flag(args.dry_run)), ("prune", flag(args.prune))])
        .bytes(document);
    for call in 0..CALLS {
        let answer = context.client.exchange(&request).await?;
        context.progress.clear();
        if !answer.body["items"].is_array() {
            let other = || Failure::failed("the answer is not one of this API");
            return Err(answer.failure().unwrap_or_else(other));
        }
        // Before anything else: secrets of created items are told only now.
        let generated = generated(&answer.body);
        if let Some(vault) = &mut vault {
            vault.keep(&generated)?;
        }
        let shown = vault.is_none().then_some(generated.as_slice());
        print(context, &answer, call == 0, shown.unwrap_or_default())?;
        if let Some(failure) = answer.failure() {
            eprintln!("The import broke off; the same command goes on where it stopped.");
            return Err(failure);
        }
        if answer.body["complete"] == true || args.dry_run {
            return Ok(());
        }
        let pending = table::shown(&answer.body["counts"]["pending"]);
        context.progress.show(&format!("{pending} left"));
    }
    Err(Failure::failed(
        "the import takes too many calls; start it again to go on",
    ))
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let source: Box<dyn io::Read> = if file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(file)?)
    };
    let mut bytes = Vec::new();
    source.take(DOCUMENT_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Prints what one call did: what is unchanged is only counted, what is left
/// comes in the next call.
fn print(
    context: &Context,
    answer: &Answer,
    is_first: bool,
    generated: &[Value],
) -> Result<(), Failure> {
    if context.output.is_json() {
        return context.output.write(&answer.bytes);
    }
    let items: Vec<Value> = answer.body["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|item| match item["action"].as_str() {
            Some("unchanged") => item.get("warnings").is_some() && is_first,
            Some("skipped") => is_first,
            Some("pending") => false,
            _ => true,
        })
        .map(with_remark)
        .collect();
    let mut text = String::new();
    if !items.is_empty() {
        text.push_str(&context.output.table(COLUMNS, &items));
    }
    if !generated.is_empty() {
        text.push_str("\nShown this once:\n");
    }
    for item in generated {
        let name = |field: &str| table::shown(&item[field]);
        text.push_str(&format!("  {} {}\n", name("kind"), name("name")));
        for secret in SECRETS.iter().filter(|name| item.get(**name).is_some()) {
            text.push_str(&format!("    {secret}  {}\n", name(secret)));
        }
    }
    text.push_str(&summary(&answer.body));
    context.output.print(&text)
}

/// What was generated for created items, with what they are.
fn generated(answer: &Value) -> Vec<Value> {
    let items = answer["items"].as_array().into_iter().flatten();
    items
        .filter(|item| SECRETS.iter().any(|name| item.get(*name).is_some()))
        .map(|item| {
            let named = ["kind", "name", "id"].iter().chain(&SECRETS);
            let fields =
                named.filter_map(|name| Some(((*name).to_owned(), item.get(*name)?.clone())));
            Value::Object(fields.collect())
        })
        .collect()
}

/// A new file of its owner's alone that takes generated secrets; one that took
/// none goes again.
struct Vault {
    path: PathBuf,
    file: File,
    is_empty: bool,
}

impl Vault {
    fn create(path: PathBuf) -> Result<Self, Failure> {
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Ok(file) => Ok(Self {
                path,
                file,
                is_empty: true,
            }),
            Err(error) => Err(unwritable(&path, &error)),
        }
    }

    fn keep(&mut self, generated: &[Value]) -> Result<(), Failure> {
        for item in generated {
            self.is_empty = false;
            writeln!(self.file, "{item}").map_err(|error| unwritable(&self.path, &error))?;
        }
        self.file
            .sync_all()
            .map_err(|error| unwritable(&self.path, &error))
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        if self.is_empty {
            // An empty file left behind is no harm.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn unwritable(file: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("{} cannot be written: {error}", file.display()))
}

/// An item with everything that is said of it in one line.
fn with_remark(item: &Value) -> Value {
    let said = ["reason", "changes", "warnings"]
        .iter()
        .filter_map(|name| item.get(*name))
        .map(table::shown);
    let remark = said.collect::<Vec<_>>().join("; ");
    let mut item = item.clone();
    item["remark"] = if remark.is_empty() {
        Value::Null
    } else {
        json!(remark)
    };
    item
}

fn summary(answer: &Value) -> String {
    let counts = answer["counts"].as_object().into_iter().flatten();
    let counts: Vec<String> = counts
        .filter(|(_, count)| count.as_u64() != Some(0))
        .map(|(action, count)| format!("{count} {action}"))
        .collect();
    let counts = if counts.is_empty() {
        "nothing to do".to_owned()
    } else {
        counts.join(", ")
    };
    let dry = if answer["dryRun"] == true {
        " (dry run: nothing was changed)"
    } else {
        ""
    };
    format!("{counts}{dry}\n")
}
