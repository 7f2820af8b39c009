//! Asking before something is destroyed.

use std::io::{BufRead, IsTerminal, Write};

use crate::failure::{Failure, Outcome};

/// `--yes`, for commands that destroy.
#[derive(clap::Args, Clone, Copy)]
pub struct Consent {
    /// Do it without asking.
    #[arg(long, short = 'y')]
    yes: bool,
}

impl Consent {
    /// Goes on only with consent: by `--yes`, or by an answer on the terminal.
    pub fn to(self, what: &str) -> Outcome {
        if self.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::new(format!("{what}: not done without consent"))
                .advise("Add --yes to do it without being asked."));
        }
        let mut err = std::io::stderr().lock();
        write!(err, "{what}? [y/N] ")?;
        err.flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Failure::new("nothing was done")),
        }
    }
}
