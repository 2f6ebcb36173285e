//! Settings as flags of the command line, generated from the list of settings.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{ConfigSetting, SETTINGS};

/// What was given on the command line; `#[command(flatten)]` it into a clap command.
///
/// There is no flag for the secret key: a command line is visible to every user of the machine.
#[derive(Clone, Default)]
pub struct Flags {
    /// `--config`, or `DBOPT_CONFIG`.
    pub config: Option<PathBuf>,
    /// Settings by name, as text.
    pub settings: Vec<(&'static str, String)>,
    /// `--target NAME=DSN`, as written.
    pub targets: Vec<String>,
}

impl std::fmt::Debug for Flags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.settings.iter().map(|(name, _)| name).collect();
        f.debug_struct("Flags")
            .field("config", &self.config)
            .field("settings", &names)
            .finish_non_exhaustive()
    }
}

/// The flags of commands that only reach the service: its address.
#[derive(Clone, Default, Debug)]
pub struct AddressFlags(pub Flags);

/// The flags of commands that only use the service's own database.
#[derive(Clone, Default, Debug)]
pub struct StoreFlags(pub Flags);

const ADDRESS: [&str; 1] = ["listen"];
const STORE: [&str; 2] = ["store_url", "data_dir"];

fn file_arg() -> Arg {
    Arg::new("config")
        .long("config")
        .env("DBOPT_CONFIG")
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help("Configuration file in TOML")
}

/// The file, and the settings of these names.
fn augmented(command: Command, names: &[&str]) -> Command {
    let settings = SETTINGS.iter().filter(|setting| names.contains(&setting.name));
    command.arg(file_arg()).args(settings.filter_map(arg))
}

/// Makes the flags of some settings a part of commands.
macro_rules! part_of_commands {
    ($flags:ident, $names:expr) => {
        impl clap::Args for $flags {
            fn augment_args(command: Command) -> Command {
                augmented(command, &$names)
            }

            fn augment_args_for_update(command: Command) -> Command {
                Self::augment_args(command)
            }
        }

        impl clap::FromArgMatches for $flags {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                Ok(Self(Flags::of(matches, &$names)))
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                *self = Self::from_arg_matches(matches)?;
                Ok(())
            }
        }
    };
}

part_of_commands!(AddressFlags, ADDRESS);
part_of_commands!(StoreFlags, STORE);

fn arg(setting: &'static ConfigSetting) -> Option<Arg> {
    let mut help = format!("{} [env: {}]", setting.what, setting.env);
    if !setting.default.is_empty() {
        help = format!("{help} [default: {}]", setting.default);
    }
    Some(Arg::new(setting.name).long(setting.flag?).value_name("VALUE").help(help))
}

impl Flags {
    /// The file, and the values of the settings of these names.
    fn of(matches: &ArgMatches, names: &[&str]) -> Self {
        let settings = SETTINGS.iter().filter(|setting| names.contains(&setting.name));
        let given = settings.filter_map(|setting| {
            Some((setting.name, matches.get_one::<String>(setting.name)?.clone()))
        });
        let config = matches.get_one("config").cloned();
        Self { config, settings: given.collect(), targets: Vec::new() }
    }
}

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        let target = Arg::new("target")
            .long("target")
            .value_name("NAME=DSN")
            .action(ArgAction::Append)
            .help("Register this target at the start; repeatable");
        command.arg(file_arg()).arg(target).args(SETTINGS.iter().filter_map(arg))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let flags = SETTINGS.iter().filter(|setting| setting.flag.is_some());
        let names: Vec<&str> = flags.map(|setting| setting.name).collect();
        let targets = matches.get_many("target").unwrap_or_default().cloned().collect();
        Ok(Self { targets, ..Self::of(matches, &names) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::*;

    fn parse(args: &[&str]) -> Flags {
        let command = Flags::augment_args(Command::new("serve").no_binary_name(true));
        Flags::from_arg_matches(&command.try_get_matches_from(args).unwrap()).unwrap()
    }

    #[test]
    fn every_setting_is_a_flag_but_those_that_are_keys_to_something() {
        let keys = ["secret_key", "webhook_url", "webhook_secret"];
        let names = SETTINGS.iter().filter_map(|setting| setting.flag);
        let args: Vec<_> = names.map(|name| format!("--{name}=x")).collect();
        let flags = parse(&args.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(flags.settings.len(), SETTINGS.len() - keys.len());
        for key in keys {
            let command = Flags::augment_args(Command::new("serve").no_binary_name(true));
            let flag = format!("--{}=x", key.replace('_', "-"));
            assert!(command.try_get_matches_from([flag]).is_err(), "{key}");
        }
    }

    #[test]
    fn debug_shows_no_value() {
        let flags = parse(&["--store-url", "postgresql://u:hush@h/d", "--target", "a=host=hush"]);
        assert_eq!(flags.targets, ["a=host=hush"]);
        assert!(!format!("{flags:?}").contains("hush"));
    }
}
