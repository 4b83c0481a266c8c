//! `cresset tokenizer inspect`: special tokens, a text's pieces and frames, and numbers over a file.

mod facts;
mod printed;

use std::path::Path;

use cresset_data::{
    Convention, FieldNames, Measured, PlacedToken, SourceConfig, SpecialToken, Tokenizer, pad,
    read_examples,
};
use cresset_objectives::{ModelFolder, Reader, Shown, Targets};

use self::facts::{
    Frames, Inspected, InspectedFile, InspectedText, Lengths, Longer, Piece, Special,
};
use self::printed::lines;
use crate::cli::{Common, InspectArgs};
use crate::failure::user;
use crate::{inputs, output};

pub fn run(args: &InspectArgs, common: &Common) -> anyhow::Result<()> {
    let tokenizer = Tokenizer::load(&args.folder)?;
    let convention = convention(args, &tokenizer)?;
    if convention.is_none() && (args.pair.is_some() || args.max_length.is_some()) {
        return Err(user(format!(
            "{} says nothing of special tokens, so the frame is not known; add --convention bert, or another of {}",
            args.folder.display(),
            Convention::PRESETS.join(", ")
        )));
    }
    let text = args.text.as_deref();
    let inspected = Inspected {
        vocabulary_size: tokenizer.vocab_size(),
        text: text
            .map(|text| inspect_text(text, args, &tokenizer, convention.as_ref()))
            .transpose()?,
        file: args
            .file
            .as_deref()
            .map(|file| inspect_file(file, args, &tokenizer, convention.as_ref()))
            .transpose()?,
        convention: convention.map(|convention| Frames {
            name: convention.name().to_owned(),
            frame: convention.describe(),
            special_tokens: special_tokens(&convention),
        }),
    };
    if common.json {
        return output::json(&inspected);
    }
    output::painted(&lines(&inspected), args.color)
}

/// The named convention, or the folder's own, or that of its architecture.
fn convention(args: &InspectArgs, tokenizer: &Tokenizer) -> anyhow::Result<Option<Convention>> {
    let folder = &args.folder;
    if let Some(name) = &args.convention {
        return Ok(Some(Convention::preset(name, tokenizer)?));
    }
    if folder.join("cresset.json").exists() {
        return Ok(Some(Convention::load(folder, tokenizer)?));
    }
    if folder.join("config.json").exists() {
        return Ok(Some(ModelFolder::open(folder)?.convention()?));
    }
    Ok(None)
}

fn special_tokens(convention: &Convention) -> Vec<Special> {
    let roles = convention.roles();
    let one = |role, token: Option<&SpecialToken>| {
        token.map(|token| Special {
            role,
            token: token.token.clone(),
            id: token.id,
        })
    };
    let decoder = convention.decoder_frame();
    let start = match decoder.is_some_and(|d| d.start_is_learned) {
        true => "learned start in place of",
        false => "decoder start",
    };
    let named = [
        one(
            "pad",
            Some(&roles.pad).filter(|_| convention.name() != "plain"),
        ),
        one("unk", roles.unk.as_ref()),
        one("cls", roles.cls.as_ref()),
        one("sep", roles.sep.as_ref()),
        one("mask", roles.mask.as_ref()),
        one("bos", roles.bos.as_ref()),
        one("eos", roles.eos.as_ref()),
        one(start, decoder.and_then(|d| d.start.as_ref())),
        one("stop", decoder.and_then(|d| d.stop.as_ref())),
    ];
    let prefix = decoder.into_iter().flat_map(|d| &d.prefix);
    let sentinels = roles.sentinels.iter();
    named
        .into_iter()
        .chain(prefix.map(|token| one("decoder prefix", Some(token))))
        .chain(sentinels.map(|token| one("sentinel", Some(token))))
        .flatten()
        .collect()
}

fn inspect_text(
    text: &str,
    args: &InspectArgs,
    tokenizer: &Tokenizer,
    convention: Option<&Convention>,
) -> anyhow::Result<InspectedText> {
    let placed = tokenizer.encode_with_places(text);
    let ids: Vec<u32> = placed.iter().map(|token| token.id).collect();
    let piece = |token: &PlacedToken| Piece {
        token: tokenizer.id_to_token(token.id).unwrap_or_default(),
        id: token.id,
        start: token.chars.start,
        end: token.chars.end,
        text: text
            .chars()
            .skip(token.chars.start)
            .take(token.chars.len())
            .collect(),
    };
    let framed = match convention {
        Some(convention) => {
            let pair = args.pair.as_ref().map(|pair| tokenizer.encode(pair));
            framed(
                &ids,
                pair.as_deref(),
                &Reader::new(tokenizer, convention),
                convention,
            )?
        }
        None => Vec::new(),
    };
    Ok(InspectedText {
        text: text.to_owned(),
        pieces: placed.iter().map(piece).collect(),
        decoded: tokenizer.decode(&ids),
        framed,
    })
}

/// A text and a pair in every frame that the convention has. Where there is an encoder, the pair is what the decoder writes.
fn framed(
    text: &[u32],
    pair: Option<&[u32]>,
    reader: &Reader<'_>,
    convention: &Convention,
) -> anyhow::Result<Vec<Shown>> {
    // Beyond any text, and far from overflow.
    let longest = text.len() + pair.map_or(0, <[u32]>::len) + 1000;
    let (id, side) = (convention.pad_id(), convention.pad_side());
    let mut parts = Vec::new();
    let has_encoder = convention.encoder_frame().is_some();
    if has_encoder {
        let mut encoder = |name, pair| -> anyhow::Result<()> {
            let framed = convention.encoder_input(text, pair, longest)?;
            let row = pad(&[&framed.ids], id, side);
            parts.push(reader.input(name, &row, 0).with_segments(&framed.segments));
            Ok(())
        };
        encoder("encoder input", None)?;
        if pair.is_some() && convention.decoder_frame().is_none() {
            encoder("of a pair", pair)?;
        }
    }
    let written = if has_encoder { pair } else { Some(text) };
    if let (Some(written), Some(_)) = (written, convention.decoder_frame()) {
        let (input, labels) = convention.decoder_pair(written, longest)?;
        let targets = Targets {
            input: &pad(&[&input], id, side),
            positions: &(0..input.len() as u32).collect::<Vec<_>>(),
            ids: &labels,
            weights: None,
        };
        let name = if has_encoder {
            "decoder input"
        } else {
            "input"
        };
        parts.extend(targets.read_and_written(name, 0, reader));
    }
    Ok(parts)
}

fn inspect_file(
    file: &Path,
    args: &InspectArgs,
    tokenizer: &Tokenizer,
    convention: Option<&Convention>,
) -> anyhow::Result<InspectedFile> {
    let examples = read_examples(&SourceConfig {
        format: inputs::format(&args.format)?,
        files: vec![file.to_owned()],
        fields: FieldNames::default(),
    })?;
    let texts: Vec<&str> = examples
        .iter()
        .map(|example| example.text.as_str())
        .collect();
    let unknown = match convention {
        Some(convention) => convention.roles().unk.as_ref().map(|token| token.id),
        None => ["[UNK]", "<unk>"]
            .iter()
            .find_map(|token| tokenizer.token_to_id(token)),
    };
    let measured = tokenizer.measure(&texts, unknown);
    let longer = match (args.max_length, convention) {
        (Some(max_length), Some(convention)) => Some(longer(max_length, convention, &measured)?),
        _ => None,
    };
    Ok(InspectedFile {
        texts: measured.n_texts,
        tokens: measured.n_tokens,
        unknown_tokens: unknown.map(|_| measured.n_unknown),
        unknown_rate: unknown.map(|_| measured.unknown_rate()),
        length: Lengths {
            mean: measured.mean_length(),
            median: measured.length_of_share(0.5),
            p90: measured.length_of_share(0.9),
            p99: measured.length_of_share(0.99),
            max: measured.length_of_share(1.0),
        },
        longer,
        tokens_per_word: measured.tokens_per_word(),
        tokens_per_character: measured.tokens_per_character(),
        vocabulary_used: measured.n_used,
        vocabulary_share: measured.n_used as f64 / tokenizer.vocab_size() as f64,
    })
}

fn longer(
    max_length: usize,
    convention: &Convention,
    measured: &Measured,
) -> anyhow::Result<Longer> {
    // The bare frame says how many special tokens stand around a text.
    let special_tokens = match convention.encoder_frame() {
        Some(_) => convention.encoder_input(&[], None, max_length)?.ids.len(),
        None => convention.decoder_pair(&[], max_length)?.0.len(),
    };
    Ok(Longer {
        max_length,
        special_tokens,
        share: measured.share_longer_than(max_length - special_tokens),
    })
}
