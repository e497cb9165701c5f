use proptest::prelude::*;

use super::*;
use crate::target::kubernetes::watch::protobuf::Metadata;
use crate::target::kubernetes::watch::tests::list_of;

/// What comes out of an answer that comes in such pieces: the version of the list, and the names in
/// it; `None` where it has not come to its end.
fn unpacked(pieces: &[&[u8]]) -> Result<Option<(String, Vec<String>)>, String> {
    let (mut unpacker, mut version, mut names) = (Unpacker::default(), String::new(), Vec::new());
    for piece in pieces {
        unpacker.add(piece);
        while let Some(part) = unpacker.next()? {
            match part {
                Part::List(list) => version = list.resource_version,
                Part::Object(object) => names.push(object.name),
            }
        }
    }
    Ok(unpacker.is_whole().then_some((version, names)))
}

fn named(names: &[String]) -> Vec<u8> {
    let all: Vec<Metadata> = names
        .iter()
        .map(|name| Metadata {
            name: name.clone(),
            ..Metadata::default()
        })
        .collect();
    list_of(&all, "")
}

proptest! {
    #[test]
    fn it_does_not_matter_in_which_pieces_a_list_comes(
        names in prop::collection::vec("[a-z]{0,300}", 0..20),
        size in 1_usize..200,
    ) {
        let bytes = named(&names);
        let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
        prop_assert_eq!(unpacked(&pieces), Ok(Some(("10".to_owned(), names))));
    }

    #[test]
    fn the_beginning_of_a_list_is_not_all_of_it(
        names in prop::collection::vec("[a-z]{0,30}", 0..20),
        cut in any::<prop::sample::Index>(),
    ) {
        let bytes = named(&names);
        let begun = &bytes[..cut.index(bytes.len())];
        prop_assert_eq!(unpacked(&[begun]), Ok(None));
    }

    #[test]
    fn nothing_that_comes_breaks_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut all = MAGIC.to_vec();
        all.extend(bytes);
        // Whether it is refused, or goes on for ever, or is a list by chance.
        let _ = unpacked(&[&all]);
    }
}

#[test]
fn lengths_that_make_no_sense_are_refused() {
    let longer_than_all = [MAGIC, b"\x12\x04\x12\x7f"].concat();
    let too_long = [MAGIC, b"\x0a\xff\xff\xff\xff\x7f"].concat();
    let endless = [MAGIC, &[0xff; 11]].concat();
    let no_length = [MAGIC, b"\x08\x01"].concat();
    for bytes in [
        longer_than_all,
        too_long,
        endless,
        no_length,
        b"{\"kind\"".to_vec(),
    ] {
        assert!(unpacked(&[&bytes]).is_err(), "{bytes:x?}");
    }
}
