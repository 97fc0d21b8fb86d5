//! The names of groups and members, as clients and coordinators choose them.

use std::borrow::Borrow;
use std::fmt;

use protocol::Str;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        /// The text has a buffer of its own, so that keeping it does not keep the request that it came in.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Str);

        impl $name {
            /// The name itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }

            /// The name as a field of a message; no text is copied.
            #[must_use]
            pub fn to_wire(&self) -> Str {
                self.0.clone()
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(Str::from(text))
            }
        }

        impl From<&Str> for $name {
            fn from(text: &Str) -> Self {
                Self(text.detached())
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.as_str())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

name! {
    /// Names a group. Any text will do, for committing offsets even the empty one.
    GroupId
}
name! {
    /// Names a member for as long as it belongs to its group. The coordinator chooses it, or the client (KIP-1082).
    MemberId
}
name! {
    /// Names a static member beyond its restarts (KIP-345). Its operator chooses it.
    InstanceId
}
