//! `init` and `setup`: the schema, the tables, the first instance with two machine users and their tokens.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::json;
use sha2::{Digest, Sha256};
use tokio_postgres::Transaction;

use crate::config::Config;
use crate::error::Error;
use crate::masterkey::MasterKey;
use crate::say;
use crate::store::{self, INSTANCE, NewEvent, Store, database};

/// A machine user of the first instance: name, role, where its token is written.
struct Machine<'a> {
    name: &'a str,
    role: &'a str,
    pat_path: Option<&'a Path>,
}

pub(crate) async fn init(config: &Config) -> Result<(), Error> {
    Store::connect(&config.database)?.make_schema().await?;
    say("init: the schema is there");
    Ok(())
}

/// Makes what is missing. A second run changes nothing and writes no token again.
pub(crate) async fn setup(config: &Config, masterkey: &MasterKey) -> Result<(), Error> {
    let store = Store::connect(&config.database)?;
    store.make_tables().await?;
    let check = masterkey.check_value()?;
    match store.masterkey_check().await? {
        Some(known) if known == check => say("setup: the instance is there"),
        Some(_) => return Err(Error::MasterKeyDiffers),
        None => {
            first_instance(config, &store, &check).await?;
            say("setup: the first instance is made");
        }
    }
    Ok(())
}

/// In one transaction, which two setups at once cannot both commit.
async fn first_instance(config: &Config, store: &Store, check: &[u8]) -> Result<(), Error> {
    let settings = &config.first_instance;
    let machines = [
        Machine { name: "admin", role: "IAM_OWNER", pat_path: settings.pat_path.as_deref() },
        Machine { name: "login-client", role: "IAM_LOGIN_CLIENT", pat_path: settings.login_client_pat_path.as_deref() },
    ];
    let mut client = store.client().await?;
    let transaction = client.transaction().await.map_err(database("begin"))?;
    let sql = "INSERT INTO zitadel_double.instance VALUES ($1, $2)";
    transaction.execute(sql, &[&INSTANCE, &check]).await.map_err(database("make the instance"))?;
    let organization = store::new_id();
    let event = NewEvent {
        aggregate: ("instance", INSTANCE),
        kind: "instance.added",
        payload: json!({"name": "ZITADEL"}),
        creator: "SETUP",
        owner: &organization,
    };
    store::push(&transaction, &event).await?;
    let payload = json!({"name": settings.organization});
    store::push(&transaction, &NewEvent { aggregate: ("org", &organization), kind: "org.added", payload, ..event })
        .await?;
    for machine in machines {
        add_machine(&transaction, &machine, &organization).await?;
    }
    transaction.commit().await.map_err(database("commit"))
}

async fn add_machine(transaction: &Transaction<'_>, machine: &Machine<'_>, organization: &str) -> Result<(), Error> {
    let user = store::new_id();
    let event = NewEvent {
        aggregate: ("user", &user),
        kind: "user.machine.added",
        payload: json!({"userName": machine.name, "name": machine.name}),
        creator: "SETUP",
        owner: organization,
    };
    store::push(transaction, &event).await?;
    let Some(path) = machine.pat_path else { return Ok(()) };
    let token = random_token()?;
    let hash = hash(&token);
    let id = store::new_id();
    let sql = "INSERT INTO zitadel_double.tokens VALUES ($1, $2, $3, $4)";
    transaction.execute(sql, &[&&hash[..], &user, &machine.role, &id]).await.map_err(database("store a token"))?;
    let payload = json!({"tokenId": id});
    store::push(transaction, &NewEvent { kind: "user.pat.added", payload, ..event }).await?;
    write_token(path, &token)
}

/// What is stored of a token.
pub(crate) fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// 32 random bytes, in hexadecimal digits.
pub(crate) fn random_token() -> Result<String, Error> {
    let mut bytes = [0; 32];
    let source = |source| Error::Io { what: "read random bytes".into(), source };
    fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).map_err(source)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// With a newline at the end, as ZITADEL writes it.
fn write_token(path: &Path, token: &str) -> Result<(), Error> {
    let source = |source| Error::Io { what: format!("write a token to {}", path.display()), source };
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).map_err(source)?;
    writeln!(file, "{token}").map_err(source)
}
