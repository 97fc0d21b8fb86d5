//! What the kernel allows a process.

use crate::context::Context;
use crate::host::Unread;

/// A limit; `None` is unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    /// What applies now.
    pub soft: Option<u64>,
    /// How far the process may raise that itself.
    pub hard: Option<u64>,
}

impl Limit {
    /// The limits in the line of the process' `limits` that begins with `name`.
    pub(crate) fn read(context: &Context<'_>, name: &str) -> Result<Self, Unread> {
        let path = format!("proc/{}/limits", context.process);
        let text = context.host.text(&path)?;
        let absurd = || Unread::absurd(&path, &text);
        let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(absurd)?;
        let mut words = line.split_whitespace();
        let mut number = || match words.next() {
            Some("unlimited") => Ok(None),
            Some(number) => number.parse().map(Some).map_err(|_| absurd()),
            None => Err(absurd()),
        };
        Ok(Self { soft: number()?, hard: number()? })
    }
}
