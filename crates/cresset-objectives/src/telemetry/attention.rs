//! The attention that goes to a token and comes from it, layer by layer and head by head.

use std::ops::Range;

use burn::tensor::Tensor;
use cresset_train::TokenAttention;

use super::tokens::Named;

/// Which places of a pass see which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// The places of a text each other.
    Whole,
    /// The places of a text those before them and themselves.
    Causal,
    /// The decoder's places those of the encoder; tokens are looked for among what is seen.
    AcrossTo,
    /// The same; tokens are looked for among those that see.
    AcrossFrom,
}

/// A text's places in a pass: its tokens and where they stand among the padding.
#[derive(Clone, Debug)]
pub(super) struct Placed<'a> {
    pub(super) ids: &'a [u32],
    pub(super) places: Range<usize>,
}

/// A text in an attention block: who sees, and what is seen.
#[derive(Clone, Debug)]
pub(super) struct Sides<'a> {
    pub(super) queries: Placed<'a>,
    pub(super) keys: Placed<'a>,
}

impl<'a> Sides<'a> {
    /// A text that sees itself.
    pub(super) fn own(text: Placed<'a>) -> Self {
        Sides {
            queries: text.clone(),
            keys: text,
        }
    }
}

/// Adds up the attention of one stack over batches of texts.
pub(super) struct Attentions {
    stack: &'static str,
    sight: Sight,
    found: Vec<Found>,
}

/// What was found of a token.
struct Found {
    named: Named,
    n_texts: usize,
    to: Means,
    entropy: Means,
    own: Means,
}

/// Sums with their counts, by layer and head.
#[derive(Default)]
struct Means(Vec<Vec<(f64, usize)>>);

impl Attentions {
    pub(super) fn new(stack: &'static str, sight: Sight, tokens: Vec<Named>) -> Self {
        let found = |named| Found {
            named,
            n_texts: 0,
            to: Means::default(),
            entropy: Means::default(),
            own: Means::default(),
        };
        Attentions {
            stack,
            sight,
            found: tokens.into_iter().map(found).collect(),
        }
    }

    /// Adds the texts of a batch.
    ///
    /// # Shapes
    /// layers: `[texts, heads, queries, keys]` each
    pub(super) fn add(&mut self, layers: &[Tensor<4>], texts: &[Sides<'_>]) {
        if layers.is_empty() {
            return;
        }
        for found in &mut self.found {
            let stands_in = |sides: &&Sides<'_>| {
                let side = match self.sight {
                    Sight::AcrossFrom => &sides.queries,
                    _ => &sides.keys,
                };
                side.ids.contains(&found.named.id)
            };
            found.n_texts += texts.iter().filter(stands_in).count();
        }
        for (layer, tensor) in layers.iter().enumerate() {
            let [_, n_heads, n_queries, n_keys] = tensor.dims();
            let values: Vec<f32> = tensor.to_data().iter::<f32>().collect();
            for (matrix, numbers) in values.chunks(n_queries * n_keys).enumerate() {
                let (text, head) = (matrix / n_heads, matrix % n_heads);
                let Some(sides) = texts.get(text) else { break };
                let shares = Shares {
                    numbers,
                    n_keys,
                    sides,
                };
                for found in &mut self.found {
                    found.see(self.sight, (layer, head), &shares);
                }
            }
        }
    }

    /// The means of the tokens that were found.
    pub(super) fn told(self) -> Vec<TokenAttention> {
        let told = |found: Found| TokenAttention {
            stack: self.stack.to_owned(),
            role: found.named.role,
            token: found.named.token,
            n_texts: found.n_texts,
            to: found.to.told(),
            from_entropy: found.entropy.told(),
            from_self: found.own.told(),
        };
        let stands = |found: &Found| found.n_texts > 0;
        self.found.into_iter().filter(stands).map(told).collect()
    }
}

/// The attention of one head to one text.
struct Shares<'a> {
    /// Row by row, padding included.
    numbers: &'a [f32],
    n_keys: usize,
    sides: &'a Sides<'a>,
}

impl Shares<'_> {
    /// What a place gives to another, both counted without padding.
    fn share(&self, query: usize, key: usize) -> f64 {
        let (queries, keys) = (&self.sides.queries.places, &self.sides.keys.places);
        f64::from(self.numbers[(queries.start + query) * self.n_keys + keys.start + key])
    }

    /// In nats.
    fn entropy(&self, query: usize) -> f64 {
        let shares = (0..self.sides.keys.ids.len()).map(|key| self.share(query, key));
        shares.filter(|p| *p > 0.0).map(|p| -p * p.ln()).sum()
    }
}

impl Found {
    fn see(&mut self, sight: Sight, at: (usize, usize), shares: &Shares<'_>) {
        let id = self.named.id;
        let places = |ids: &[u32]| -> Vec<usize> {
            (0..ids.len()).filter(|&place| ids[place] == id).collect()
        };
        let keys = match sight {
            Sight::AcrossFrom => Vec::new(),
            _ => places(shares.sides.keys.ids),
        };
        let queries = match sight {
            Sight::AcrossTo => Vec::new(),
            _ => places(shares.sides.queries.ids),
        };
        let own = matches!(sight, Sight::Whole | Sight::Causal);
        if let Some(&first) = keys.first() {
            let sees = |query: &usize| match sight {
                Sight::Causal => *query > first && !queries.contains(query),
                Sight::Whole => !queries.contains(query),
                Sight::AcrossTo | Sight::AcrossFrom => true,
            };
            let others = (0..shares.sides.queries.ids.len()).filter(sees);
            let given = |query: usize| keys.iter().map(|&key| shares.share(query, key)).sum();
            self.to.add(at, others.map(given));
        }
        self.entropy
            .add(at, queries.iter().map(|&query| shares.entropy(query)));
        if own {
            let kept = queries.iter().map(|&query| shares.share(query, query));
            self.own.add(at, kept);
        }
    }
}

impl Means {
    /// Adds the mean of a text, if it has numbers.
    fn add(&mut self, (layer, head): (usize, usize), numbers: impl Iterator<Item = f64>) {
        let (sum, n) = numbers.fold((0.0, 0), |(sum, n), x| (sum + x, n + 1));
        if n == 0 {
            return;
        }
        if self.0.len() <= layer {
            self.0.resize(layer + 1, Vec::new());
        }
        let heads = &mut self.0[layer];
        if heads.len() <= head {
            heads.resize(head + 1, (0.0, 0));
        }
        heads[head].0 += sum / n as f64;
        heads[head].1 += 1;
    }

    /// To six places: more says nothing.
    fn told(self) -> Option<Vec<Vec<f64>>> {
        let mean = |(sum, n): (f64, usize)| (sum / n.max(1) as f64 * 1e6).round() / 1e6;
        let of_layer = |heads: Vec<(f64, usize)>| heads.into_iter().map(mean).collect();
        (!self.0.is_empty()).then(|| self.0.into_iter().map(of_layer).collect())
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    const SPECIAL: u32 = 9;

    fn named() -> Vec<Named> {
        vec![Named {
            role: "cls".to_owned(),
            token: "[CLS]".to_owned(),
            id: SPECIAL,
        }]
    }

    fn placed(ids: &[u32], from: usize) -> Placed<'_> {
        Placed {
            ids,
            places: from..from + ids.len(),
        }
    }

    fn both<'a>(ids: &'a [u32], from: usize) -> Sides<'a> {
        Sides::own(placed(ids, from))
    }

    fn seen(sight: Sight, layer: Tensor<4>, texts: &[Sides<'_>]) -> TokenAttention {
        let mut attentions = Attentions::new("encoder", sight, named());
        attentions.add(&[layer], texts);
        attentions.told().remove(0)
    }

    #[test]
    fn shares_are_means_over_the_other_places_and_padding_counts_nowhere() {
        let device = Device::flex();
        // Two texts, one head; the second has padding in front, with numbers that must not count.
        let layer = Tensor::<4>::from_floats(
            [
                [[[0.5, 0.25, 0.25], [0.2, 0.8, 0.0], [0.6, 0.0, 0.4]]],
                [[[7.0, 7.0, 7.0], [7.0, 1.0, 0.0], [7.0, 0.5, 0.5]]],
            ],
            &device,
        );
        let texts = [both(&[SPECIAL, 1, 2], 0), both(&[SPECIAL, 1], 1)];
        let told = seen(Sight::Whole, layer, &texts);
        assert_eq!(told.n_texts, 2);
        let one = |numbers: Option<Vec<Vec<f64>>>| numbers.expect("a number")[0][0];
        // (0.2 + 0.6) / 2 and 0.5.
        assert!((one(told.to) - 0.45).abs() < 1e-6);
        // 0.5 and 1.
        assert!((one(told.from_self) - 0.75).abs() < 1e-6);
        // 1.5 ln 2 and 0.
        assert!((one(told.from_entropy) - 0.75 * 2f64.ln()).abs() < 1e-6);
    }

    #[test]
    fn a_causal_place_that_cannot_see_a_token_does_not_count() {
        let device = Device::flex();
        let layer = Tensor::<4>::from_floats(
            [[[[1.0, 0.0, 0.0], [0.3, 0.7, 0.0], [0.1, 0.5, 0.4]]]],
            &device,
        );
        let told = seen(Sight::Causal, layer.clone(), &[both(&[1, SPECIAL, 2], 0)]);
        assert!((told.to.expect("one sees it")[0][0] - 0.5).abs() < 1e-6);
        let last = seen(Sight::Causal, layer, &[both(&[1, 2, SPECIAL], 0)]);
        assert_eq!(last.to, None);
        assert!((last.from_self.expect("it sees itself")[0][0] - 0.4).abs() < 1e-6);
    }

    #[test]
    fn a_token_that_stands_several_times_gets_the_sum() {
        let device = Device::flex();
        let layer = Tensor::<4>::from_floats(
            [[[[0.2, 0.3, 0.5], [0.1, 0.4, 0.5], [0.9, 0.1, 0.0]]]],
            &device,
        );
        let told = seen(Sight::Whole, layer, &[both(&[SPECIAL, 1, SPECIAL], 0)]);
        assert!((told.to.expect("one sees them")[0][0] - 0.6).abs() < 1e-6);
    }

    #[test]
    fn across_stacks_the_encoders_tokens_are_seen_and_the_decoders_see() {
        let device = Device::flex();
        let layer = Tensor::<4>::from_floats([[[[0.5, 0.5, 0.0], [0.25, 0.75, 0.0]]]], &device);
        let sides = Sides {
            queries: placed(&[SPECIAL, 1], 0),
            keys: placed(&[SPECIAL, 3, 4], 0),
        };
        let to = seen(Sight::AcrossTo, layer.clone(), std::slice::from_ref(&sides));
        assert!((to.to.expect("seen")[0][0] - 0.375).abs() < 1e-6);
        assert_eq!((to.from_entropy, to.from_self), (None, None));
        let from = seen(Sight::AcrossFrom, layer, &[sides]);
        assert!((from.from_entropy.expect("sees")[0][0] - 2f64.ln()).abs() < 1e-6);
        assert_eq!((from.to, from.from_self), (None, None));
    }
}
