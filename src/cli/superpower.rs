//! A command for each superpower, made from the list of superpowers.

use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Args as _, Command, FromArgMatches, Subcommand};

use super::analyse::Analyse;
use super::plan::Decode;
use super::pool_plan::PoolFlags;
use super::{CommandOutcome, Error};
use crate::model::Superpower;
use crate::pg;

/// A flag of one superpower beside those that all share.
enum Flag {
    /// Another name for `--set THRESHOLD=…`.
    Threshold {
        /// The flag without its dashes.
        long: &'static str,
        /// The threshold it sets.
        threshold: &'static str,
        /// What it says of itself.
        help: &'static str,
    },
    /// A word of the specification that names what the command does in any case.
    Fixed {
        /// The flag without its dashes.
        long: &'static str,
        /// The only value.
        value: &'static str,
        /// What it says of itself.
        help: &'static str,
    },
}

/// The flags that the specification gives one superpower.
fn flags(superpower: Superpower) -> &'static [Flag] {
    match superpower {
        Superpower::HybridSchema => &[Flag::Threshold {
            long: "threshold",
            threshold: "hot_key_share",
            help: "Share of calls from which on a key deserves a column (`hot_key_share`)",
        }],
        Superpower::Toast => &[Flag::Threshold {
            long: "alert-threshold",
            threshold: "toast_share_max",
            help: "Share of the heap from which on a TOAST table is looked into (`toast_share_max`)",
        }],
        Superpower::Gin => &[Flag::Fixed {
            long: "action",
            value: "report",
            help: "What to do: report, which is all there is",
        }],
        _ => &[],
    }
}

/// `dbopt toast` and its like.
#[derive(Debug)]
pub(super) struct One {
    superpower: Superpower,
    analyse: Analyse,
    /// Thresholds that flags of its own set: the flag, the threshold and the value.
    thresholds: Vec<(&'static str, &'static str, String)>,
    /// What one superpower is asked beside.
    more: More,
}

/// Options that one superpower has beside those that all share.
#[derive(Debug)]
enum More {
    Nothing,
    /// A plan to decode, or a statement to explain.
    Plan(Box<Decode>),
    /// What is known of a service, where a pool is to be planned for it.
    Pool(Box<PoolFlags>),
}

impl More {
    fn augment(superpower: Superpower, command: Command) -> Command {
        match superpower {
            Superpower::Plan => Decode::augment_args(command),
            Superpower::Concurrency => PoolFlags::augment_args(command),
            _ => command,
        }
    }

    fn of(superpower: Superpower, matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(match superpower {
            Superpower::Plan => Self::Plan(Box::new(Decode::from_arg_matches(matches)?)),
            Superpower::Concurrency => Self::Pool(Box::new(PoolFlags::from_arg_matches(matches)?)),
            _ => Self::Nothing,
        })
    }
}

impl One {
    pub(super) async fn run(self) -> Result<CommandOutcome, Error> {
        let project = self.analyse.output().project()?;
        let mut request = self.analyse.request(Some(self.superpower), &project)?;
        for (flag, threshold, value) in &self.thresholds {
            let usage = |problem| Error::Usage(format!("--{flag}: {problem}"));
            request.set_threshold(threshold, value).map_err(usage)?;
        }
        match self.more {
            More::Plan(decode) if decode.is_given() => {
                decode.run(request, &self.analyse, &project).await
            }
            More::Pool(flags) => {
                self.analyse.report(&request, &project, flags.pool_inputs()?.as_ref()).await
            }
            More::Plan(_) => match self.analyse.report(&request, &project, None).await {
                // Decoding a plan needs no database.
                Err(Error::Usage(problem)) if problem == pg::NO_DATABASE => {
                    Err(Error::Usage(format!("{problem}; a plan is decoded with --plan-file FILE")))
                }
                outcome => outcome,
            },
            More::Nothing => self.analyse.report(&request, &project, None).await,
        }
    }
}

impl Subcommand for One {
    fn augment_subcommands(command: Command) -> Command {
        Superpower::ALL.iter().fold(command, |command, superpower| {
            let about = format!("{}: {}", superpower.title(), superpower.summary());
            // The options' own description would take the place of one that was given before.
            let one = Analyse::augment_args(Command::new(superpower.as_str()));
            let one = More::augment(*superpower, one).about(about);
            command.subcommand(one.args(flags(*superpower).iter().map(Flag::arg)))
        })
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        name.parse::<Superpower>().is_ok()
    }
}

impl FromArgMatches for One {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let chosen = matches.subcommand();
        let (superpower, matches) = chosen
            .and_then(|(name, matches)| Some((name.parse::<Superpower>().ok()?, matches)))
            .ok_or_else(|| clap::Error::new(ErrorKind::InvalidSubcommand))?;
        let thresholds = flags(superpower).iter().filter_map(|flag| flag.value(matches)).collect();
        let more = More::of(superpower, matches)?;
        Ok(Self { superpower, analyse: Analyse::from_arg_matches(matches)?, thresholds, more })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Flag {
    fn arg(&self) -> Arg {
        match self {
            Self::Threshold { long, help, .. } => {
                Arg::new(*long).long(*long).value_name("SHARE").help(*help)
            }
            Self::Fixed { long, value, help } => {
                Arg::new(*long).long(*long).value_parser([*value]).default_value(*value).help(*help)
            }
        }
    }

    fn value(&self, matches: &ArgMatches) -> Option<(&'static str, &'static str, String)> {
        match self {
            Self::Threshold { long, threshold, .. } => {
                Some((long, threshold, matches.get_one::<String>(long)?.clone()))
            }
            Self::Fixed { .. } => None,
        }
    }
}
