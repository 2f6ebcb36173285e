//! `dbopt keys`: API keys of the service.

use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use secrecy::ExposeSecret as _;

use super::store::StoreDatabase;
use super::{CommandOutcome, Error, configured, print, say};
use crate::config::StoreFlags;
use crate::store::{KeyRecord, KeyScope, Store};

/// `dbopt keys`.
#[derive(Debug, Args)]
pub(super) struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make a key. It is printed once: only its hash is kept.
    Create(Create),
    /// List the keys there are, without what they are.
    List(ListKeysArgs),
    /// Revoke a key. Callers need a key even when none is left.
    Revoke(Revoke),
    /// Let callers on loopback in without a key again, once the service is restarted. Refused while a key exists.
    Reopen(ListKeysArgs),
}

#[derive(Debug, Args)]
struct Create {
    /// What its holder may do: read, probe, apply, admin (which allows all).
    #[arg(long, required = true, value_delimiter = ',', value_name = "SCOPE,…")]
    scope: Vec<KeyScope>,
    /// What to call it in lists.
    #[arg(long, default_value = "unnamed")]
    name: String,
    /// Do nothing where a key exists already.
    #[arg(long)]
    if_none: bool,
    #[command(flatten)]
    flags: StoreFlags,
}

#[derive(Debug, Args)]
struct ListKeysArgs {
    #[command(flatten)]
    flags: StoreFlags,
}

#[derive(Debug, Args)]
struct Revoke {
    /// The id that `dbopt keys list` shows.
    id: String,
    #[command(flatten)]
    flags: StoreFlags,
}

impl KeysArgs {
    pub(super) async fn run(self) -> Result<CommandOutcome, Error> {
        let flags = match &self.command {
            KeysCommand::Create(create) => &create.flags,
            KeysCommand::List(list) | KeysCommand::Reopen(list) => &list.flags,
            KeysCommand::Revoke(revoke) => &revoke.flags,
        };
        let mut config = configured(&flags.0)?;
        // Keys have nothing to do with targets, whose DSNs may need a secret that is not here.
        config.targets.clear();
        let database = StoreDatabase::open(&config, say).await?;
        let done = match Store::open(&config, &database.url).await {
            Ok(store) => self.command.run(&store).await,
            Err(error) => Err(Error::Store(error)),
        };
        database.close().await;
        done
    }
}

impl KeysCommand {
    async fn run(self, store: &Store) -> Result<CommandOutcome, Error> {
        match self {
            Self::Create(create) => create.run(store).await,
            Self::List(_) => list(store).await,
            Self::Revoke(revoke) => revoke.run(store).await,
            Self::Reopen(_) => reopen(store).await,
        }
    }
}

impl Create {
    async fn run(self, store: &Store) -> Result<CommandOutcome, Error> {
        if self.if_none && store.any_key().await.map_err(Error::Store)? {
            say("a key exists already; none was made");
            return Ok(CommandOutcome::Clean);
        }
        let (record, token) =
            store.create_key(&self.name, &self.scope).await.map_err(Error::Store)?;
        say(&format!(
            "key {} ({}), shown this once; send it as `Authorization: Bearer …`:",
            record.id,
            scopes(&record)
        ));
        print(&format!("{}\n", token.expose_secret()))
    }
}

impl Revoke {
    async fn run(self, store: &Store) -> Result<CommandOutcome, Error> {
        if store.delete_key(&self.id).await.map_err(Error::Store)? {
            return print(&format!("revoked {}\n", self.id));
        }
        Err(Error::Usage(format!(
            "no key is called `{}`: dbopt keys list shows their ids",
            self.id
        )))
    }
}

async fn reopen(store: &Store) -> Result<CommandOutcome, Error> {
    if store.reopen().await.map_err(Error::Store)? {
        return print("callers on loopback need no key once the service is restarted\n");
    }
    Err(Error::Usage("keys exist: revoke each with dbopt keys revoke before".to_owned()))
}

/// Keys to show at most; no one reads more.
const LIST_MAX: u32 = 1000;

async fn list(store: &Store) -> Result<CommandOutcome, Error> {
    let keys = store.list_keys(None, LIST_MAX).await.map_err(Error::Store)?;
    if keys.is_empty() {
        return print(if store.needs_key().await.map_err(Error::Store)? {
            "no key is left, and callers need one: dbopt keys create makes one, dbopt keys reopen does without\n"
        } else {
            "no key exists: callers on loopback have every right, and others have none\n"
        });
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["id", "name", "scopes", "created", "last used"]);
    for key in &keys {
        let used = key.last_used_at.map_or_else(|| "never".to_owned(), |used| used.to_string());
        let scopes = scopes(key);
        table.add_row([&key.id, &key.name, &scopes, &key.created_at.to_string(), &used]);
    }
    print(&format!("{table}\n"))
}

fn scopes(key: &KeyRecord) -> String {
    key.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ")
}
