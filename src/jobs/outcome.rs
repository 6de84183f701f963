//! What a job leaves, whatever its kind, and its stored form.
//!
//! A result is stored as JSON, which may grow by a field. The lists of an item each, of which there may be millions, are
//! stored behind it in binary (ADR 25): a draw from a million gains reads them in milliseconds.

use super::attribution::result::AttributionResult;
use super::experiment::result::{BiasStudyResult, SmoothnessResult};
use super::record::JobSpec;
use super::resample::result::ResampleResult;
use super::selection::result::{PartRecord, SelectionResult};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, de, ser};

/// A result: its kind stands in its job's record.
#[derive(Debug, Clone, PartialEq)]
pub enum JobResult {
    /// Of a selection.
    Selection(Box<SelectionResult>),
    /// Of a bias study.
    BiasStudy(BiasStudyResult),
    /// Of an estimate of smoothness.
    Smoothness(SmoothnessResult),
    /// Of an attribution.
    Attribution(Box<AttributionResult>),
    /// Of a draw.
    Resample(Box<ResampleResult>),
}

/// The first byte of a result with lists behind it; no JSON begins so.
const WITH_LISTS: u8 = 1;
/// Bytes of the JSON's length, little endian.
const LENGTH: usize = 8;

/// The lists of a selection.
#[derive(Serialize, Deserialize)]
struct Chosen<Indices, Ids, Numbers, Parts> {
    indices: Indices,
    ids: Ids,
    gains: Numbers,
    parts: Parts,
}

/// The lists of a draw.
#[derive(Serialize, Deserialize)]
struct Drawn<Indices, Ids, Numbers> {
    indices: Indices,
    ids: Ids,
    gains: Numbers,
    probabilities: Numbers,
    inclusion_probabilities: Numbers,
}

/// The items of a result.
#[derive(Debug, Clone, PartialEq)]
pub struct Items {
    /// Row indices.
    pub indices: Vec<u32>,
    /// Their ids, where the dataset has ids.
    pub ids: Option<Vec<String>>,
    /// The dataset, where it is not the job's own.
    pub dataset: Option<String>,
    /// Digest of the dataset.
    pub dataset_digest: String,
    /// How many items were owned beside them.
    pub owned: u64,
}

impl JobResult {
    /// The stored form.
    ///
    /// # Errors
    /// None that a result can cause.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        match self {
            Self::Selection(result) => {
                let SelectionResult { indices, ids, gains, parts, .. } = &**result;
                with_lists(result, &Chosen { indices, ids, gains, parts })
            }
            Self::Resample(result) => {
                let ResampleResult { indices, ids, gains, probabilities, inclusion_probabilities, .. } =
                    &**result;
                with_lists(result, &Drawn { indices, ids, gains, probabilities, inclusion_probabilities })
            }
            Self::BiasStudy(result) => serde_json::to_vec(result),
            Self::Smoothness(result) => serde_json::to_vec(result),
            Self::Attribution(result) => serde_json::to_vec(result),
        }
    }

    /// Reads the result of a job of this spec.
    ///
    /// # Errors
    /// Bytes of another kind, or of another version.
    pub fn decode(spec: &JobSpec, bytes: &[u8]) -> Result<Self, serde_json::Error> {
        Ok(match spec {
            JobSpec::Selection(_) => {
                type Lists = Chosen<Vec<u32>, Option<Vec<String>>, Vec<f64>, Option<Vec<PartRecord>>>;
                Self::Selection(Box::new(match apart::<SelectionResult, Lists>(bytes)? {
                    (rest, Some(Chosen { indices, ids, gains, parts })) => {
                        SelectionResult { indices, ids, gains, parts, ..rest }
                    }
                    (whole, None) => whole,
                }))
            }
            JobSpec::Resample(_) => {
                let (rest, lists) = apart::<ResampleResult, Drawn<_, _, _>>(bytes)?;
                let lists = lists.ok_or_else(|| de::Error::custom("a draw without its lists"))?;
                let Drawn { indices, ids, gains, probabilities, inclusion_probabilities } = lists;
                let lists =
                    ResampleResult { indices, ids, gains, probabilities, inclusion_probabilities, ..rest };
                Self::Resample(Box::new(lists))
            }
            JobSpec::BiasStudy(_) => Self::BiasStudy(serde_json::from_slice(bytes)?),
            JobSpec::Smoothness(_) => Self::Smoothness(serde_json::from_slice(bytes)?),
            JobSpec::Attribution(_) => Self::Attribution(serde_json::from_slice(bytes)?),
        })
    }

    /// The items, where it has any: chosen or drawn.
    pub fn into_items(self) -> Option<Items> {
        match self {
            Self::Selection(result) => {
                let SelectionResult { indices, ids, dataset_digest, owned, .. } = *result;
                let owned = owned.map_or(0, |owned| owned.items);
                Some(Items { indices, ids, dataset: None, dataset_digest, owned })
            }
            Self::Resample(result) => {
                let ResampleResult { indices, ids, dataset, dataset_digest, .. } = *result;
                Some(Items { indices, ids, dataset, dataset_digest, owned: 0 })
            }
            Self::BiasStudy(_) | Self::Smoothness(_) | Self::Attribution(_) => None,
        }
    }
}

/// JSON, and lists behind it.
fn with_lists(rest: &impl Serialize, lists: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = vec![0; 1 + LENGTH];
    serde_json::to_writer(&mut bytes, rest)?;
    let length = (bytes.len() - 1 - LENGTH) as u64;
    bytes[0] = WITH_LISTS;
    bytes[1..=LENGTH].copy_from_slice(&length.to_le_bytes());
    postcard::to_extend(lists, bytes).map_err(ser::Error::custom)
}

/// JSON and the lists behind it; none where the JSON has them inside, as releases before had it.
fn apart<T: DeserializeOwned, L: DeserializeOwned>(
    bytes: &[u8],
) -> Result<(T, Option<L>), serde_json::Error> {
    let cut = || de::Error::custom("it is cut off");
    let Some((&WITH_LISTS, rest)) = bytes.split_first() else {
        return Ok((serde_json::from_slice(bytes)?, None));
    };
    let (length, rest) = rest.split_first_chunk::<LENGTH>().ok_or_else(cut)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(de::Error::custom)?;
    let (json, lists) = rest.split_at_checked(length).ok_or_else(cut)?;
    let lists = postcard::from_bytes(lists).map_err(de::Error::custom)?;
    Ok((serde_json::from_slice(json)?, Some(lists)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_selection_survives_its_bytes_and_what_was_stored_as_json_alone_is_read() {
        let spec: JobSpec = serde_json::from_value(json!({
            "kind": "selection", "objective": {"name": "facility_location"}, "constraints": {"k": 2},
        }))
        .unwrap();
        let alone = json!({
            "indices": [7, 2], "ids": ["g", "b"], "gains": [1.5, 0.1], "objective_value": 1.6, "empty_value": 0.0,
            "complete": true, "termination": "budget_reached", "optimizer": "partitioned_greedy",
            "optimizer_reason": "", "warnings": [], "similarity": "dot", "exactness": "exact", "plan": "stored_f32",
            "kernel": "portable", "seed": 0, "evaluations": 9, "guarantee": {}, "prefixes_valid": false,
            "dataset_digest": "", "version": "", "timings_seconds": {"loading": 0.0, "similarity": 0.0, "selecting": 0.0},
            "parts": [{"part": 0, "size": 3, "indices": [7, 2], "gains": [1.5, 0.1]}],
        });
        let result: SelectionResult = serde_json::from_value(alone.clone()).unwrap();
        let (alone, result) = (alone.to_string().into_bytes(), JobResult::Selection(Box::new(result)));
        let bytes = result.encode().unwrap();
        assert_eq!(JobResult::decode(&spec, &bytes).unwrap(), result);
        assert_eq!(JobResult::decode(&spec, &alone).unwrap(), result);
        for length in 0..bytes.len() {
            assert!(JobResult::decode(&spec, &bytes[..length]).is_err(), "{length} bytes");
        }
    }
}
