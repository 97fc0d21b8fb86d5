//! The language of the tables.
//!
//! ```text
//! tables! {
//!     /// What it is.
//!     pub struct FetchRequest {
//!         /// What it means.
//!         cluster_id: Option<Str>, [12+] nullable [12+] tag 0 (ignorable) = None;
//!     }
//! }
//! ```
//!
//! A line gives the Rust type and, in Kafka's notation, the versions that carry the field. All the rest is optional
//! and in this order: the versions in which it may be null, its tag, whether a version without it drops its value
//! silently, and its default. A tagged field is tagged in all of its versions and, if it may be null, in all of them.
//! Each struct becomes a Rust struct, its [`Wire`](crate::wire::Wire) implementation and its
//! [`StructSchema`](crate::schema::StructSchema).
//!
//! The macro matches whole tables at once instead of chewing through them token by token, so compiling stays linear.

/// A range of versions in Kafka's notation, in brackets.
macro_rules! versions {
    ([$min:literal +]) => {
        $crate::schema::Versions::since($min)
    };
    ([$min:literal - $max:literal]) => {
        $crate::schema::Versions::between($min, $max)
    };
    ([$only:literal]) => {
        $crate::schema::Versions::between($only, $only)
    };
    ([none]) => {
        $crate::schema::Versions::NONE
    };
}
pub(crate) use versions;

/// The first of one or two expressions: an optional part of a line, then what stands for it when it is missing.
macro_rules! first {
    ($first:expr $(, $second:expr)?) => {
        $first
    };
}
pub(crate) use first;

/// Whether the optional word is there.
macro_rules! present {
    () => {
        false
    };
    (ignorable) => {
        true
    };
}
pub(crate) use present;

/// Turns tables into structs that read, write and describe themselves.
macro_rules! tables {
    ($(
        $(#[$doc:meta])*
        pub struct $name:ident {
            $(
                $(#[$field_doc:meta])*
                $field:ident: $ty:ty, $versions:tt $(nullable $nullable:tt)? $(tag $tag:literal)?
                    $(($ignorable:ident))? $(= $default:expr)?;
            )*
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $ty,)*
        }

        impl $name {
            /// The table that this struct was made from.
            pub const SCHEMA: $crate::schema::StructSchema = $crate::schema::StructSchema {
                name: stringify!($name),
                fields: &[$($crate::schema::FieldSchema {
                    name: stringify!($field),
                    ty: <$ty as $crate::wire::Wire>::TYPE,
                    versions: versions!($versions),
                    nullable: first!($(versions!($nullable),)? $crate::schema::Versions::NONE),
                    tag: first!($(Some($tag),)? None),
                    ignorable: present!($($ignorable)?),
                    default: first!($(Some(stringify!($default)),)? None),
                },)*],
                memory_bytes: size_of::<Self>(),
            };
        }

        // A field that may be null has a type for it, and no other field has.
        const _: () = {
            $({
                let nullable = first!($(versions!($nullable),)? $crate::schema::Versions::NONE);
                assert!(<$ty as $crate::wire::Wire>::OPTIONAL != nullable.is_empty(), stringify!($field));
            })*
        };

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: first!($($default,)? <$ty as $crate::wire::Wire>::initial()),)* }
            }
        }

        impl $crate::wire::Wire for $name {
            const TYPE: $crate::schema::FieldType = $crate::schema::FieldType::Struct(&Self::SCHEMA);

            fn initial() -> Self {
                Self::default()
            }

            fn bytes_min(at: $crate::wire::At) -> usize {
                let mut bytes = usize::from(at.flexible);
                $(if at.place(versions!($versions), first!($(Some($tag),)? None), true).is_untagged() {
                    let nullable = first!($(versions!($nullable),)? $crate::schema::Versions::NONE);
                    bytes += <$ty as $crate::wire::Wire>::bytes_min(at.nullable(nullable));
                })*
                bytes
            }

            #[allow(unused_mut, reason = "only tagged fields are assigned twice")]
            fn read(
                reader: &mut $crate::Reader<'_>,
                at: $crate::wire::At,
            ) -> Result<Self, $crate::DecodeError> {
                $(let mut $field: $ty =
                    if at.place(versions!($versions), first!($(Some($tag),)? None), true).is_untagged() {
                        reader.enter(stringify!($field));
                        let nullable = first!($(versions!($nullable),)? $crate::schema::Versions::NONE);
                        $crate::wire::Wire::read(reader, at.nullable(nullable))?
                    } else {
                        first!($($default,)? <$ty as $crate::wire::Wire>::initial())
                    };
                )*
                if at.flexible {
                    reader.enter("tagged fields");
                    for _ in 0..reader.tagged_count()? {
                        let (tag, size) = reader.tag()?;
                        match tag {
                            $($($tag if versions!($versions).contains(at.version) => {
                                reader.enter(stringify!($field));
                                let at = at.tagged(versions!($versions));
                                $field = reader.tagged(size, |reader| $crate::wire::Wire::read(reader, at))?;
                            })?)*
                            _ => reader.skip(size)?,
                        }
                    }
                }
                Ok(Self { $($field),* })
            }

            fn write(
                &self,
                writer: &mut $crate::Writer,
                at: $crate::wire::At,
            ) -> Result<(), $crate::EncodeError> {
                // From here on a field's name says whether it is to be written among the tagged fields.
                $(let $field: bool = match at.place(
                    versions!($versions),
                    first!($(Some($tag),)? None),
                    present!($($ignorable)?),
                ) {
                    $crate::wire::Place::Untagged => {
                        writer.enter(stringify!($field));
                        let nullable = first!($(versions!($nullable),)? $crate::schema::Versions::NONE);
                        $crate::wire::Wire::write(&self.$field, writer, at.nullable(nullable))?;
                        false
                    }
                    $crate::wire::Place::Dropped => false,
                    place => {
                        let default: $ty = first!($($default,)? <$ty as $crate::wire::Wire>::initial());
                        let given = self.$field != default;
                        if given && place == $crate::wire::Place::Absent {
                            return Err($crate::EncodeError::Absent {
                                field: stringify!($field),
                                version: at.version,
                            });
                        }
                        given
                    }
                };)*
                if at.flexible {
                    writer.uvarint(0 $(+ u32::from($field))*);
                    $($(if $field {
                        writer.enter(stringify!($field));
                        let at = at.tagged(versions!($versions));
                        writer.tagged($tag, |writer| $crate::wire::Wire::write(&self.$field, writer, at))?;
                    })?)*
                }
                Ok(())
            }

            #[inline]
            fn errors(&self, _: &str) -> u64 {
                0 $(+ $crate::wire::Wire::errors(&self.$field, stringify!($field)))*
            }
        }

        impl $crate::wire::Nullable for $name {
            fn read_option(
                reader: &mut $crate::Reader<'_>,
                at: $crate::wire::At,
            ) -> Result<Option<Self>, $crate::DecodeError> {
                $crate::wire::read_marker(reader, at)?.then(|| $crate::wire::Wire::read(reader, at)).transpose()
            }

            fn write_null(writer: &mut $crate::Writer, at: $crate::wire::At) -> Result<(), $crate::EncodeError> {
                $crate::wire::write_marker(writer, at, false);
                Ok(())
            }

            fn write_some(
                &self,
                writer: &mut $crate::Writer,
                at: $crate::wire::At,
            ) -> Result<(), $crate::EncodeError> {
                $crate::wire::write_marker(writer, at, true);
                $crate::wire::Wire::write(self, writer, at)
            }

            fn option_bytes_min(_: $crate::wire::At) -> usize {
                $crate::wire::MARKER_BYTES
            }
        }
    )*};
}
pub(crate) use tables;
