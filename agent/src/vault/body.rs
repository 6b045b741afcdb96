//! Reads a body up to a limit into memory that is wiped afterwards.

use bytes::Buf;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use zeroize::Zeroizing;

use super::error::VaultErrorKind;

/// The whole body, or why there is none.
pub(crate) async fn read(mut body: Incoming, limit: usize) -> Result<Zeroizing<Vec<u8>>, VaultErrorKind> {
    let mut bytes = Zeroizing::new(Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| VaultErrorKind::Body(format!("it broke off: {error}")))?;
        let Ok(mut data) = frame.into_data() else { continue };
        if bytes.len() + data.remaining() > limit {
            return Err(VaultErrorKind::TooLarge(limit));
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            bytes.extend_from_slice(chunk);
            let read = chunk.len();
            data.advance(read);
        }
    }
    Ok(bytes)
}
