//! Rows of a model's token table, to look at them and to put something else in their place.

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::tensor::{Tensor, TensorData};

use crate::decoder::CausalLm;
use crate::encoder::Encoder;
use crate::encoder_decoder::Seq2SeqLm;
use crate::heads::TextClassifier;
use crate::layers::Embedding;

/// A model that reads tokens by a table of vectors.
pub trait TokenTable: Module {
    /// The table that the special token of interest is read from: that of the decoder where encoder and decoder have one each.
    fn words(&self) -> &Embedding;

    /// The vectors of all tokens, row after row.
    fn rows(&self) -> Vec<Vec<f32>> {
        let table = self.words().weight.val();
        let [_, size] = table.dims();
        let numbers: Vec<f32> = table.into_data().iter::<f32>().collect();
        numbers.chunks(size).map(<[f32]>::to_vec).collect()
    }

    /// The same model with another vector in a row. Where an output layer is tied to the table, its scores change as well: take
    /// them from the model as it was.
    ///
    /// # Panics
    /// If there is no such row, or the vector is not of the table's width.
    #[must_use]
    fn with_row(&self, row: usize, vector: &[f32]) -> Self
    where
        Self: Sized,
    {
        let mut replaced = ReplacedRow {
            table: self.words().weight.id,
            row,
            vector,
        };
        self.clone().map(&mut replaced)
    }

    /// The vector of its own that a decoder starts with, if it has one.
    fn start_vector(&self) -> Option<Vec<f32>> {
        let vector = self.words().start_vector.as_ref()?.val();
        Some(vector.into_data().iter::<f32>().collect())
    }

    /// The same model with another vector to start with.
    ///
    /// # Panics
    /// If the model has no start vector of its own, or this one has another width.
    #[must_use]
    fn with_start_vector(&self, vector: &[f32]) -> Self
    where
        Self: Sized,
    {
        let own = self.words().start_vector.as_ref();
        let mut replaced = ReplacedRow {
            table: own.expect("the model has a start vector of its own").id,
            row: 0,
            vector,
        };
        self.clone().map(&mut replaced)
    }
}

struct ReplacedRow<'a> {
    table: ParamId,
    row: usize,
    vector: &'a [f32],
}

impl ModuleMapper for ReplacedRow<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if param.id != self.table {
            return param;
        }
        let (id, old, mapper) = param.consume();
        let (shape, device) = (old.dims(), old.device());
        let mut values: Vec<f32> = old.into_data().iter::<f32>().collect();
        let size = shape[D - 1];
        assert_eq!(self.vector.len(), size, "a vector of the table's width");
        values[self.row * size..(self.row + 1) * size].copy_from_slice(self.vector);
        let new = Tensor::from_data(TensorData::new(values, shape), &device);
        Param::from_mapped_value(id, new, mapper)
    }
}

impl TokenTable for Encoder {
    fn words(&self) -> &Embedding {
        match self {
            Encoder::Bert(model) => model.words(),
            Encoder::Roberta(model) => model.words(),
            Encoder::Albert(model) => model.words(),
            Encoder::Xlnet(model) => model.words(),
        }
    }
}

impl TokenTable for TextClassifier {
    fn words(&self) -> &Embedding {
        match self {
            TextClassifier::Encoder(model) => model.encoder().words(),
            TextClassifier::EncoderDecoder(model) => model.words(),
        }
    }
}

impl TokenTable for CausalLm {
    fn words(&self) -> &Embedding {
        match self {
            CausalLm::Gpt2(model) => model.words(),
        }
    }
}

impl TokenTable for Seq2SeqLm {
    fn words(&self) -> &Embedding {
        match self {
            Seq2SeqLm::T5(model) => model.words(),
            Seq2SeqLm::Marian(model) => model.words(),
            Seq2SeqLm::Bart(model) => model.body().words(),
            Seq2SeqLm::EncoderDecoder(model) => model.words(),
        }
    }
}
