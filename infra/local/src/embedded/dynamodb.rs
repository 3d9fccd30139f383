//! Embedded DynamoDB: dynoxide on a SQLite file, served on a loopback port.

use std::{
    io,
    net::SocketAddr,
    path::Path,
    sync::{Mutex, PoisonError},
};

use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
        Projection, ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType,
        TimeToLiveSpecification,
    },
};
use dynoxide::Database;
use rusqlite::Connection;
use tokio::{net::TcpListener, task::JoinHandle};

/// The table's name.
pub(crate) const TABLE: &str = "opsknight";

/// Stream records are kept for 24 hours, as AWS keeps them.
const STREAM_RETENTION_SECONDS: i64 = 86_400;

/// What dynoxide leaves out of its stream table: without these, every write
/// reads all stream records to find the next sequence number.
const STREAM_INDEXES: &str = "
    CREATE INDEX IF NOT EXISTS opsknight_stream_last
        ON _stream_records (table_name, CAST(sequence_number AS INTEGER));
    CREATE INDEX IF NOT EXISTS opsknight_stream_next
        ON _stream_records (table_name, shard_id, CAST(sequence_number AS INTEGER));";

/// Why the embedded table is not there.
#[derive(Debug, thiserror::Error)]
pub enum DynamoDbError {
    /// The file cannot be opened.
    #[error("the database cannot be opened: {0}")]
    Open(String),
    /// SQLite refused.
    #[error("the database cannot be prepared: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// Its port is not to be had.
    #[error("the embedded DynamoDB cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// The table cannot be made.
    #[error("the table cannot be created: {0}")]
    Table(String),
}

/// The embedded service.
pub(crate) struct DynamoDb {
    pub database: Database,
    pub endpoint: String,
    side_connection: Mutex<Connection>,
    server: JoinHandle<()>,
}

impl DynamoDb {
    /// Opens the file and serves it. With `durable: false` nothing waits for
    /// the disk: for data that goes with the process anyway.
    pub async fn start(
        file: &Path,
        durable: bool,
        listen: SocketAddr,
    ) -> Result<Self, DynamoDbError> {
        let path = file
            .to_str()
            .ok_or_else(|| DynamoDbError::Open("its path is not UTF-8".to_owned()))?;
        let database =
            Database::new(path).map_err(|error| DynamoDbError::Open(error.to_string()))?;
        if !durable {
            database
                .enable_bulk_loading()
                .map_err(|error| DynamoDbError::Open(error.to_string()))?;
        }
        let side_connection = Connection::open(file)?;
        side_connection.busy_timeout(std::time::Duration::from_secs(5))?;
        side_connection.execute_batch(STREAM_INDEXES)?;
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|error| DynamoDbError::Listen(listen, error))?;
        let address = listener
            .local_addr()
            .map_err(|error| DynamoDbError::Listen(listen, error))?;
        let endpoint = format!("http://{address}");
        let server = tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
        Ok(Self {
            database,
            endpoint,
            side_connection: Mutex::new(side_connection),
            server,
        })
    }

    /// Deletes expired items, and stream records that AWS would not have any
    /// more.
    pub fn housekeeping(&self) {
        if let Err(error) = self.database.sweep_ttl() {
            tracing::warn!(%error, "expired items were not deleted");
        }
        let connection = self
            .side_connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let trimmed = connection.execute(
            "DELETE FROM _stream_records WHERE created_at < unixepoch() - ?1",
            [STREAM_RETENTION_SECONDS],
        );
        if let Err(error) = trimmed {
            tracing::warn!(%error, "old stream records were not deleted");
        }
    }

    /// Stops serving.
    pub fn stop(&self) {
        self.server.abort();
    }
}

/// Makes the table of `template.yaml` where it is missing.
pub(crate) async fn ensure_table(client: &Client) -> Result<(), DynamoDbError> {
    let exists = client
        .describe_table()
        .table_name(TABLE)
        .send()
        .await
        .is_ok();
    if exists {
        Ok(())
    } else {
        create_table(client)
            .await
            .map_err(|error| DynamoDbError::Table(error.to_string()))
    }
}

async fn create_table(client: &Client) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let attribute = |name: &str| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
    };
    let key = |name: &str, kind: KeyType| {
        KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
            .build()
    };
    let projection = Projection::builder()
        .projection_type(ProjectionType::Include)
        .set_non_key_attributes(Some(
            [
                "status",
                "urgency",
                "serviceId",
                "dedupKey",
                "autoResolveAfter",
            ]
            .map(str::to_owned)
            .to_vec(),
        ))
        .build();
    let index = GlobalSecondaryIndex::builder()
        .index_name("GSI1")
        .key_schema(key("gsi1pk", KeyType::Hash)?)
        .key_schema(key("gsi1sk", KeyType::Range)?)
        .projection(projection)
        .build()?;
    let stream = StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(StreamViewType::NewImage)
        .build()?;
    client
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute("pk")?)
        .attribute_definitions(attribute("sk")?)
        .attribute_definitions(attribute("gsi1pk")?)
        .attribute_definitions(attribute("gsi1sk")?)
        .key_schema(key("pk", KeyType::Hash)?)
        .key_schema(key("sk", KeyType::Range)?)
        .global_secondary_indexes(index)
        .stream_specification(stream)
        .send()
        .await?;
    let expiry = TimeToLiveSpecification::builder()
        .enabled(true)
        .attribute_name("expiresAt")
        .build()?;
    client
        .update_time_to_live()
        .table_name(TABLE)
        .time_to_live_specification(expiry)
        .send()
        .await?;
    Ok(())
}
