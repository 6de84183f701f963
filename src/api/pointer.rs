//! JSON pointers (RFC 6901), short enough to be told.

use super::problem::cut;

/// Characters of a pointer.
const LONGEST: usize = 200;

/// The pointer to the field of this name.
pub(super) fn child(parent: &str, name: &str) -> String {
    format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The pointer, or its beginning and an ellipsis: names of fields are the caller's to choose, and may be as long as the
/// body. It stays a pointer: a `~` is never left alone.
pub(super) fn short(pointer: String) -> String {
    match cut(pointer, LONGEST) {
        pointer if pointer.ends_with("~…") => pointer.replace("~…", "…"),
        pointer => pointer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_cut_between_characters_and_never_within_an_escape() {
        assert_eq!(short(child("/a", "b/c~d")), "/a/b~1c~0d");
        let whole = format!("/{}", "é".repeat(LONGEST - 1));
        assert_eq!(short(whole.clone()), whole);
        assert_eq!(short(format!("{whole}é")), format!("{whole}…"));
        let escaped = child("", &format!("{}//", "x".repeat(LONGEST - 2)));
        assert_eq!(short(escaped), format!("/{}…", "x".repeat(LONGEST - 2)));
    }
}
