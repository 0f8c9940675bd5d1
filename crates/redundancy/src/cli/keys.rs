//! `redundancy keys`: API keys of those who may use the service.

use std::time::Duration;

use clap::{Args, Subcommand};
use redundancy_engine::access::{KeyId, Scope, Tenant};

use super::service::SettingsArgs;
use super::values;

const EXAMPLES: &str = "\
Examples:
  redundancy keys create --name ci --scope write
  redundancy keys create --name shop --scope read --tenant acme --expires 90d
  redundancy keys list
  redundancy keys revoke key_…

Keys are kept in the store that the settings name: in DATA_DIR, or in Redis. The service need not run, and if it does it knows
of a change within about a second. It asks for keys when it is started with AUTH_MODE=api_key.

Exit codes:
  0  fine
  1  the store cannot be used, or there is no such key
  2  wrong use, or a setting will not do";

/// What to do about keys.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct KeysArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What to do about keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a key, and show it this once
    Create(CreateArgs),
    /// List keys, without what opens anything
    List(ListArgs),
    /// End a key for good
    Revoke(RevokeArgs),
}

/// Which key to make.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// What people call it
    #[arg(long, value_name = "NAME", default_value = "unnamed", value_parser = values::name)]
    pub name: String,
    /// What its holder may do: read, write or admin, each of which includes those before it
    #[arg(long, visible_alias = "scopes", value_name = "SCOPE", default_value = "read", value_parser = values::scope)]
    pub scope: Scope,
    /// Whose things its holder sees; without it, those of no tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<Tenant>,
    /// How long it is good for, such as 12h or 90d; without it, until it is revoked
    #[arg(long, value_name = "TIME", value_parser = values::life)]
    pub expires: Option<Duration>,
    /// How to print, and where the keys are.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Which keys to list.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Those of this tenant only
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<Tenant>,
    /// How to print, and where the keys are.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Which key to end.
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// Its id
    #[arg(value_name = "ID")]
    pub id: KeyId,
    /// How to print, and where the keys are.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// How to print, and where the keys are.
#[derive(Debug, Args)]
pub struct CommonArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
}
