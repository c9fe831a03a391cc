//! Photos that shoppers send: known by their bytes, never by their name; what they tell besides the picture (place, time, device, thumbnails,
//! whatever stands behind their end) is left out. Pixels are neither decoded nor encoded.

use bytes::Bytes;
use img_parts::{png::Png, riff::RiffContent, webp::WebP};

/// What may be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    /// `image/jpeg`, `image/png`, `image/webp`.
    pub kind: &'static str,
    pub bytes: Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("this is not a JPEG, PNG or WebP picture")]
    Kind,
    #[error("the picture is damaged: take it again, or send another")]
    Broken,
    #[error("the picture has too many pixels: send a smaller one")]
    Pixels,
    #[error("moving pictures can't be taken: send a photo")]
    Moving,
}

/// Decoded, a picture takes four bytes a pixel in the browser of whoever looks at it.
const MOST_PIXELS: u64 = 60_000_000;
const LONGEST_SIDE: u32 = 20_000;

/// Reads a picture and leaves out all that is not it.
pub fn clean(bytes: &Bytes) -> Result<Photo, Refused> {
    let (kind, (width, height), bytes) = match bytes.get(..12) {
        Some([0xff, 0xd8, 0xff, ..]) => {
            let (size, bytes) = jpeg(bytes).ok_or(Refused::Broken)?;
            ("image/jpeg", size, bytes)
        }
        Some([0x89, b'P', b'N', b'G', ..]) => {
            let mut png = Png::from_bytes(bytes.clone()).map_err(|_| Refused::Broken)?;
            let ends = png.chunks().last().is_some_and(|c| &c.kind() == b"IEND");
            let starts = png.chunks().first().is_some_and(|c| &c.kind() == b"IHDR" && c.contents().len() == 13);
            if !ends || !starts || !png.chunks().iter().any(|c| &c.kind() == b"IDAT") {
                return Err(Refused::Broken);
            }
            png.chunks_mut().retain(|c| {
                matches!(
                    &c.kind(),
                    b"IHDR" | b"PLTE" | b"IDAT" | b"IEND" | b"tRNS" | b"gAMA" | b"cHRM" | b"sRGB" | b"iCCP" | b"sBIT"
                )
            });
            let size = png.dimensions().ok_or(Refused::Broken)?;
            ("image/png", size, png.encoder().bytes())
        }
        Some([b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P']) => {
            let mut webp = WebP::from_bytes(bytes.clone()).map_err(|_| Refused::Broken)?;
            if webp.has_chunk(*b"ANMF") || webp.has_chunk(*b"ANIM") {
                return Err(Refused::Moving);
            }
            let picture = |id: [u8; 4]| matches!(&id, b"VP8 " | b"VP8L");
            if webp.chunks().iter().filter(|c| picture(c.id())).count() != 1 {
                return Err(Refused::Broken);
            }
            webp.chunks_mut().retain(|c| picture(c.id()) || matches!(&c.id(), b"VP8X" | b"ALPH" | b"ICCP"));
            for chunk in webp.chunks_mut().iter_mut().filter(|c| &c.id() == b"VP8X") {
                if let RiffContent::Data(data) = chunk.content_mut() {
                    let mut flags = data.to_vec();
                    // No EXIF, no XMP: they are gone.
                    if let Some(first) = flags.first_mut() {
                        *first &= !0x0c;
                    }
                    *data = flags.into();
                }
            }
            let size = webp.dimensions().ok_or(Refused::Broken)?;
            ("image/webp", size, webp.encoder().bytes())
        }
        _ => return Err(Refused::Kind),
    };
    if width == 0 || height == 0 {
        return Err(Refused::Broken);
    }
    if width.max(height) > LONGEST_SIDE || u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(Refused::Pixels);
    }
    Ok(Photo { kind, bytes })
}

/// Segments up to the end of the image: tables, frames and scans, the colour profile, and which way is up.
fn jpeg(bytes: &[u8]) -> Option<((u32, u32), Bytes)> {
    let mut out = vec![0xff, 0xd8];
    let (mut at, mut size, mut scans) = (2, None, 0);
    let mut turned = None;
    loop {
        // Fill bytes may stand before a marker.
        if *bytes.get(at)? != 0xff {
            return None;
        }
        while *bytes.get(at + 1)? == 0xff {
            at += 1;
        }
        let marker = *bytes.get(at + 1)?;
        if marker == 0xd9 {
            out.extend([0xff, 0xd9]);
            return size.filter(|_| scans > 0).map(|size| (size, turn(out, turned)));
        }
        let length = usize::from(u16::from_be_bytes([*bytes.get(at + 2)?, *bytes.get(at + 3)?]));
        let contents = bytes.get(at + 4..at + 2 + length)?;
        let whole = bytes.get(at..at + 2 + length)?;
        at += 2 + length;
        match marker {
            // Frames: SOF0 to SOF15, less the tables between them.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let side = |n: usize| Some(u32::from(u16::from_be_bytes([*contents.get(n)?, *contents.get(n + 1)?])));
                size.get_or_insert((side(3)?, side(1)?));
                out.extend(whole);
            }
            // Tables, restart interval.
            0xc4 | 0xcc | 0xdb | 0xdd => out.extend(whole),
            // A scan: its data lasts until the next marker that is none of its own.
            0xda => {
                scans += 1;
                out.extend(whole);
                let data = bytes.get(at..)?;
                let ends = data.windows(2).position(|w| w[0] == 0xff && !matches!(w[1], 0x00 | 0xd0..=0xd7 | 0xff))?;
                out.extend(&data[..ends]);
                at += ends;
            }
            0xe2 if contents.starts_with(b"ICC_PROFILE\0") => out.extend(whole),
            // Adobe's: says how colours are coded.
            0xee if contents.starts_with(b"Adobe") && contents.len() <= 12 => out.extend(whole),
            0xe1 => turned = turned.or_else(|| orientation(contents.strip_prefix(b"Exif\0\0")?)),
            _ => {}
        }
    }
}

/// The orientation (2 to 8) that an EXIF block gives; 1 needs no word.
fn orientation(tiff: &[u8]) -> Option<u8> {
    let big = match tiff.get(..4)? {
        [b'M', b'M', 0, 42] => true,
        [b'I', b'I', 42, 0] => false,
        _ => return None,
    };
    let short = |at: usize| {
        let b = [*tiff.get(at)?, *tiff.get(at + 1)?];
        Some(if big { u16::from_be_bytes(b) } else { u16::from_le_bytes(b) })
    };
    let first = if big { short(6)? } else { short(4)? };
    let first = usize::from(first);
    (0..usize::from(short(first)?).min(64))
        .map(|n| first + 2 + n * 12)
        .find(|at| short(*at) == Some(0x0112))
        .and_then(|at| short(at + 8))
        .and_then(|o| u8::try_from(o).ok())
        .filter(|o| (2..=8).contains(o))
}

/// Writes an EXIF block with the orientation and nothing else, behind the start.
fn turn(mut image: Vec<u8>, orientation: Option<u8>) -> Bytes {
    if let Some(o) = orientation {
        let mut block = vec![0xff, 0xe1, 0, 34];
        block.extend(b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0");
        block.extend([o, 0, 0, 0, 0, 0, 0]);
        image.splice(2..2, block);
    }
    image.into()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn segment(marker: u8, contents: &[u8]) -> Vec<u8> {
        let mut s = vec![0xff, marker];
        s.extend(((contents.len() + 2) as u16).to_be_bytes());
        s.extend(contents);
        s
    }

    /// A small picture, with what is not to be kept around it.
    pub fn jpeg_with(extra: &[Vec<u8>], tail: &[u8]) -> Vec<u8> {
        let mut image = vec![0xff, 0xd8];
        image.extend(segment(0xe0, b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0"));
        extra.iter().for_each(|e| image.extend(e));
        image.extend(segment(0xdb, &[0; 65]));
        image.extend(segment(0xc0, &[8, 0, 16, 0, 32, 1, 1, 0x11, 0]));
        image.extend(segment(0xc4, &[0; 17]));
        image.extend(segment(0xda, &[1, 1, 0, 0, 63, 0]));
        image.extend([0x12, 0xff, 0x00, 0x34, 0xff, 0xd0, 0x56, 0xff, 0xd9]);
        image.extend(tail);
        image
    }

    pub fn exif(orientation: u8) -> Vec<u8> {
        let mut tiff = b"Exif\0\0II\x2a\0\x08\0\0\0\x02\0".to_vec();
        tiff.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
        tiff.extend([0x25, 0x88, 4, 0, 1, 0, 0, 0, 0x40, 0, 0, 0]);
        tiff.extend(b"GPS 37.7749 -122.4194");
        segment(0xe1, &tiff)
    }

    #[test]
    fn a_jpeg_loses_its_place_and_its_tail_and_keeps_which_way_is_up() {
        let dirty = jpeg_with(&[exif(6), segment(0xfe, b"a comment"), segment(0xed, b"Photoshop 3.0")], b"PK\x03\x04<script>");
        let photo = clean(&dirty.into()).unwrap();
        assert_eq!(photo.kind, "image/jpeg");
        for gone in ["GPS", "comment", "Photoshop", "JFIF", "PK", "script"] {
            assert!(!photo.bytes.windows(gone.len()).any(|w| w == gone.as_bytes()), "{gone}");
        }
        assert_eq!(orientation(&photo.bytes[12..]), Some(6));
        assert!(photo.bytes.ends_with(&[0x56, 0xff, 0xd9]));
        // What is clean stays as it is.
        assert_eq!(clean(&photo.bytes).unwrap(), photo);
    }

    #[test]
    fn a_png_keeps_its_picture_only() {
        let chunk = |kind: &[u8; 4], contents: &'static [u8]| img_parts::png::PngChunk::new(*kind, contents.into());
        let mut png = Png::from_bytes(include_bytes!("photo.png").as_slice().into()).unwrap();
        png.chunks_mut().insert(1, chunk(b"tEXt", b"Author\0Ada"));
        png.chunks_mut().insert(1, chunk(b"eXIf", b"GPS"));
        let mut dirty = png.encoder().bytes().to_vec();
        dirty.extend(b"<svg onload=alert(1)>");
        let photo = clean(&dirty.into()).unwrap();
        assert_eq!((photo.kind, &photo.bytes[..]), ("image/png", include_bytes!("photo.png").as_slice()));
    }

    #[test]
    fn what_is_no_photo_is_refused() {
        let riff = |chunks: &[u8]| {
            let mut all = b"RIFF".to_vec();
            all.extend((chunks.len() as u32 + 4).to_le_bytes());
            all.extend(b"WEBP");
            all.extend(chunks);
            all
        };
        for (bytes, why) in [
            (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec(), Refused::Kind),
            (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;".to_vec(), Refused::Kind),
            (b"%PDF-1.7 and so on".to_vec(), Refused::Kind),
            (b"PK\x03\x04 a zip file".to_vec(), Refused::Kind),
            (b"<!doctype html><script>alert(1)</script>".to_vec(), Refused::Kind),
            (Vec::new(), Refused::Kind),
            (b"\xff\xd8\xff".to_vec(), Refused::Kind),
            (b"\xff\xd8\xff/*GIF89a*/=alert(1)//".to_vec(), Refused::Broken),
            (b"\xff\xd8\xff\xd9 and html <script>".to_vec(), Refused::Broken),
            (b"\x89PNG\r\n\x1a\n then nothing of it".to_vec(), Refused::Broken),
            (riff(b"VP8X\x0a\0\0\0\x02\0\0\0\x10\0\0\x10\0\0ANIM\x06\0\0\0\0\0\0\0\0\0"), Refused::Moving),
            (riff(b"JUNK\x02\0\0\0ab"), Refused::Broken),
        ] {
            assert_eq!(clean(&bytes.clone().into()), Err(why), "{:?}", String::from_utf8_lossy(&bytes));
        }
        // A few bytes that would be unpacked to gigabytes.
        let mut bomb = jpeg_with(&[], b"");
        let sof = bomb.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
        bomb[sof + 5..sof + 9].copy_from_slice(&[0xea, 0x60, 0xea, 0x60]);
        assert_eq!(clean(&bomb.into()), Err(Refused::Pixels));
    }

    #[test]
    fn a_cut_file_is_refused_wherever_it_is_cut() {
        let whole = jpeg_with(&[exif(3)], b"");
        for n in 12..whole.len() - 1 {
            assert!(clean(&Bytes::copy_from_slice(&whole[..n])).is_err(), "cut at {n}");
        }
    }
}
