//! Random but valid message bodies, made from the descriptions of the tables by a walk of its own, so that the code
//! that the tables expand to has something independent to agree with.

use strome_protocol::schema::{Api, FieldSchema, FieldType, OWN_TAGS_FROM, StructSchema};

/// SplitMix64: small, seeded, good enough.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// What the walk may choose.
#[derive(Clone, Copy)]
pub struct Choice {
    /// Tagged fields that no table knows.
    pub unknown_tags: bool,
    /// Tagged fields that only Strome knows.
    pub own_tags: bool,
    /// Arrays have fewer elements than this.
    pub elements: usize,
    /// The most elements in the fewest bytes: full arrays of empty strings, until the body has a few kilobytes.
    pub dense: bool,
}

impl Choice {
    /// Values of all kinds that come out again exactly as they went in.
    pub const PLAIN: Self = Self { unknown_tags: false, own_tags: true, elements: 4, dense: false };
    /// The same among tagged fields that nobody knows.
    pub const TAGGED: Self = Self { unknown_tags: true, ..Self::PLAIN };
    /// What Kafka knows. A tag that it does not know it writes again, but not in a version without tags, where ours is
    /// dropped.
    pub const KAFKAS: Self = Self { own_tags: false, ..Self::PLAIN };
    /// What takes much memory for its length.
    pub const DENSE: Self = Self { elements: 100, dense: true, ..Self::PLAIN };
}

/// A dense body ends at about this length.
const DENSE_BYTES: usize = 4_000;

/// The body of a message of `version`.
pub fn body(api: &Api, schema: &StructSchema, version: i16, random: &mut Random, choice: Choice) -> Vec<u8> {
    let mut walk =
        Walk { out: Vec::new(), version, flexible: api.flexible.contains(version), random, choice };
    walk.structure(schema, false);
    walk.out
}

struct Walk<'r> {
    out: Vec<u8>,
    version: i16,
    flexible: bool,
    random: &'r mut Random,
    choice: Choice,
}

impl Walk<'_> {
    /// With `given`, no value is the default: tagged fields are left out when they have theirs.
    fn structure(&mut self, schema: &StructSchema, given: bool) {
        let is_own = |field: &FieldSchema| field.tag.is_some_and(|tag| tag >= OWN_TAGS_FROM);
        let there = |field: &&FieldSchema| {
            field.versions.contains(self.version) && (self.choice.own_tags || !is_own(field))
        };
        let (tagged, untagged): (Vec<_>, Vec<_>) =
            schema.fields.iter().filter(there).partition(|field| field.tag.is_some());
        for field in untagged {
            self.field(field, given);
        }
        if self.flexible {
            self.tagged_fields(&tagged);
        }
    }

    fn tagged_fields(&mut self, known: &[&FieldSchema]) {
        let mut fields = Vec::new();
        for field in known {
            if self.random.below(2) == 0 {
                let nullable = field.nullable.contains(self.version);
                let content = self.inside(|walk| {
                    if nullable && matches!(field.ty, FieldType::Struct(_)) {
                        walk.out.push(1);
                    }
                    walk.value(&field.ty, true);
                });
                fields.push((field.tag.expect("a tag"), content));
            }
        }
        while self.choice.unknown_tags && self.random.below(3) == 0 {
            let len = self.random.below(200);
            fields.push((100 + fields.len() as u32, self.inside(|walk| walk.random_bytes(len))));
        }
        self.uvarint(fields.len() as u32);
        for (tag, content) in fields {
            self.uvarint(tag);
            self.uvarint(content.len() as u32);
            self.out.extend(content);
        }
    }

    fn inside(&mut self, write: impl FnOnce(&mut Self)) -> Vec<u8> {
        let outside = std::mem::take(&mut self.out);
        write(self);
        std::mem::replace(&mut self.out, outside)
    }

    fn field(&mut self, field: &FieldSchema, given: bool) {
        let nullable = field.nullable.contains(self.version);
        let null = nullable && !given && self.random.below(4) == 0;
        match field.ty {
            FieldType::Struct(_) if null => self.out.push(0xff),
            FieldType::String if null => self.short_len(None),
            FieldType::Bytes | FieldType::Records | FieldType::Array(_) if null => self.long_len(None),
            FieldType::Struct(_) if nullable => {
                self.out.push(1);
                self.value(&field.ty, given);
            }
            _ => self.value(&field.ty, given),
        }
    }

    fn value(&mut self, ty: &FieldType, given: bool) {
        match ty {
            FieldType::Bool => {
                let value = if given { 1 } else { self.random.below(2) as u8 };
                self.out.push(value);
            }
            FieldType::Int8 => self.number(1, given),
            FieldType::Int16 | FieldType::Uint16 => self.number(2, given),
            FieldType::Int32 => self.number(4, given),
            FieldType::Int64 => self.number(8, given),
            FieldType::Float64 => {
                let value = self.random.below(1_000_000) as f64 / 7.0;
                self.out.extend(value.to_be_bytes());
            }
            FieldType::Uuid => self.random_bytes(16),
            FieldType::String => {
                let len = self.len(given, 20);
                self.short_len(Some(len));
                let letter = |n: usize| b'a' + (n % 26) as u8;
                for _ in 0..len {
                    let n = self.random.below(26);
                    self.out.push(letter(n));
                }
            }
            FieldType::Bytes | FieldType::Records => {
                let len = self.len(given, 150);
                self.long_len(Some(len));
                self.random_bytes(len);
            }
            FieldType::Struct(schema) => self.structure(schema, given),
            FieldType::Array(element) => {
                let len = self.len(given, self.choice.elements);
                self.long_len(Some(len));
                for _ in 0..len {
                    self.value(element, given);
                }
            }
        }
    }

    fn len(&mut self, given: bool, bound: usize) -> usize {
        if self.choice.dense {
            let full = bound == self.choice.elements && self.out.len() < DENSE_BYTES;
            return if full { bound } else { usize::from(given) };
        }
        usize::from(given) + self.random.below(bound)
    }

    /// Often small, often one of Kafka's marks, sometimes anything. Never a default if `given`.
    fn number(&mut self, bytes: usize, given: bool) {
        let value = match self.random.below(if given { 1 } else { 4 }) {
            0 => 17 + self.random.below(100) as i64,
            1 => -1,
            2 => 0,
            _ => self.random.next() as i64,
        };
        self.out.extend(&value.to_be_bytes()[8 - bytes..]);
    }

    fn random_bytes(&mut self, len: usize) {
        for _ in 0..len {
            let byte = self.random.next() as u8;
            self.out.push(byte);
        }
    }

    fn short_len(&mut self, len: Option<usize>) {
        match len {
            _ if self.flexible => self.compact_len(len),
            Some(len) => self.out.extend((len as i16).to_be_bytes()),
            None => self.out.extend([0xff; 2]),
        }
    }

    fn long_len(&mut self, len: Option<usize>) {
        match len {
            _ if self.flexible => self.compact_len(len),
            Some(len) => self.out.extend((len as i32).to_be_bytes()),
            None => self.out.extend([0xff; 4]),
        }
    }

    fn compact_len(&mut self, len: Option<usize>) {
        self.uvarint(len.map_or(0, |len| len as u32 + 1));
    }

    fn uvarint(&mut self, mut value: u32) {
        loop {
            let bits = (value & 0x7f) as u8;
            value >>= 7;
            if value == 0 {
                self.out.push(bits);
                return;
            }
            self.out.push(bits | 0x80);
        }
    }
}
