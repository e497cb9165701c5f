//! Takes a list in protobuf apart while it comes in, object by object: of a hundred thousand
//! objects, one is held at a time.
//!
//! `k8s\0 │ parts of the envelope │ the list: what it is, object, object, … │ parts of the envelope`,
//! where each part is a number, a length, and so many bytes.

use bytes::{Buf as _, BytesMut};
use prost::Message;

use super::protobuf::{ITEM, Item, ListMetadata, MAGIC, METADATA, RAW};
use crate::agent::object::ObjectMetadata;

/// How long a part may be, in bytes: ten times what a cluster keeps of one object.
const LONGEST: u64 = 16 << 20;

/// What wire type a part has whose length is written before it.
const WITH_LENGTH: u64 = 2;

/// A list that comes in.
#[derive(Debug, Default)]
pub(super) struct Unpacker {
    buffer: BytesMut,
    place: Place,
}

/// What comes next.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Beginning,
    BeforeList,
    /// In the list, of which so many bytes are still to come.
    List {
        left: u64,
    },
    AfterList,
}

/// A part of a list.
#[derive(Debug)]
pub(super) enum Part {
    /// What is said of the list as a whole.
    List(ListMetadata),
    /// One of its objects.
    Object(Box<ObjectMetadata>),
}

/// Where a part stands in the buffer.
struct Header {
    number: u64,
    length: u64,
    /// How many bytes the header itself has.
    own: u64,
}

impl Unpacker {
    /// Takes in what has come.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether the list has come to its end.
    pub(super) fn is_whole(&self) -> bool {
        self.place == Place::AfterList && self.buffer.is_empty()
    }

    /// The next part, if all of it has come.
    ///
    /// # Errors
    ///
    /// It is no list in protobuf.
    pub(super) fn next(&mut self) -> Result<Option<Part>, String> {
        loop {
            match self.place {
                Place::Beginning => {
                    if self.buffer.len() < MAGIC.len() {
                        return Ok(None);
                    }
                    if !self.buffer.starts_with(MAGIC) {
                        return Err("the answer is not in protobuf".to_owned());
                    }
                    self.buffer.advance(MAGIC.len());
                    self.place = Place::BeforeList;
                }
                Place::List { left: 0 } => self.place = Place::AfterList,
                Place::List { left } => {
                    let Some(header) = header(&self.buffer)? else {
                        return Ok(None);
                    };
                    let Some(left) = left.checked_sub(header.own + header.length) else {
                        return Err("a part of the list goes beyond its end".to_owned());
                    };
                    let Some(part) = self.take(&header, part)? else {
                        return Ok(None);
                    };
                    self.place = Place::List { left };
                    if let Some(part) = part {
                        return Ok(Some(part));
                    }
                }
                Place::BeforeList | Place::AfterList => {
                    let Some(header) = header(&self.buffer)? else {
                        return Ok(None);
                    };
                    if self.place == Place::BeforeList && header.number == RAW {
                        self.buffer.advance(header.own as usize);
                        self.place = Place::List {
                            left: header.length,
                        };
                    } else if self.take(&header, |_, _| Ok(()))?.is_none() {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Reads one part and forgets it, if all of it has come.
    fn take<Read>(
        &mut self,
        header: &Header,
        read: impl FnOnce(u64, &[u8]) -> Result<Read, String>,
    ) -> Result<Option<Read>, String> {
        if header.length > LONGEST {
            return Err(format!("a part of {} bytes is too long", header.length));
        }
        let (begin, end) = (header.own as usize, (header.own + header.length) as usize);
        let Some(bytes) = self.buffer.get(begin..end) else {
            return Ok(None);
        };
        let read = read(header.number, bytes)?;
        self.buffer.advance(end);
        Ok(Some(read))
    }
}

/// A part of a list, unless it is one that does not matter.
fn part(number: u64, bytes: &[u8]) -> Result<Option<Part>, String> {
    let broken = |error| format!("the answer cannot be read: {error}");
    match number {
        METADATA => {
            let metadata = ListMetadata::decode(bytes).map_err(broken)?;
            Ok(Some(Part::List(metadata)))
        }
        ITEM => {
            let item = Item::decode(bytes).map_err(broken)?;
            let metadata = item.metadata.map(|it| Part::Object(Box::new(it.into())));
            Ok(metadata)
        }
        _ => Ok(None),
    }
}

/// Number and length of the part that comes next, if all of these have come.
fn header(bytes: &[u8]) -> Result<Option<Header>, String> {
    let Some((key, key_length)) = number(bytes)? else {
        return Ok(None);
    };
    if key & 7 != WITH_LENGTH {
        return Err("the answer has parts of a kind that no list has".to_owned());
    }
    let Some((length, length_length)) = number(bytes.get(key_length..).unwrap_or_default())? else {
        return Ok(None);
    };
    Ok(Some(Header {
        number: key >> 3,
        length: length.min(u64::MAX / 2),
        own: (key_length + length_length) as u64,
    }))
}

/// A number of seven bits a byte, the lowest first, and in how many bytes it stands.
fn number(bytes: &[u8]) -> Result<Option<(u64, usize)>, String> {
    /// As many as 64 bits need.
    const MOST: usize = 10;
    let mut number = 0;
    for (index, byte) in bytes.iter().take(MOST).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some((number, index + 1)));
        }
    }
    if bytes.len() < MOST {
        return Ok(None);
    }
    Err("the answer has a number that does not end".to_owned())
}

#[cfg(test)]
mod tests;
