//! Flags, width and precision of a verb.

/// What stands between `%` and the verb.
#[derive(Clone, Default)]
pub(crate) struct Flags {
    pub(crate) minus: bool,
    pub(crate) plus: bool,
    pub(crate) plus_v: bool,
    pub(crate) precision: Option<usize>,
    pub(crate) sharp: bool,
    pub(crate) sharp_v: bool,
    pub(crate) space: bool,
    pub(crate) width: Option<usize>,
    pub(crate) zero: bool,
}

impl Flags {
    /// Appends a text, padded to the width in characters.
    pub(crate) fn pad(&self, out: &mut Vec<u8>, text: &[u8]) {
        let length = String::from_utf8_lossy(text).chars().count();
        let padding = self.width.unwrap_or(0).saturating_sub(length);
        if self.minus {
            out.extend_from_slice(text);
            out.resize(out.len() + padding, b' ');
        } else {
            let fill = if self.zero { b'0' } else { b' ' };
            out.resize(out.len() + padding, fill);
            out.extend_from_slice(text);
        }
    }

    /// The sign that a non-negative number shows.
    pub(crate) fn sign(&self) -> &'static str {
        if self.plus {
            "+"
        } else if self.space {
            " "
        } else {
            ""
        }
    }
}
