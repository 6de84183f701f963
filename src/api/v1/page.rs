//! Pages of a list: keyset on the time-ordered id, so a page costs the same wherever it begins.

use crate::api::problem::Problem;
use serde::Deserialize;
use utoipa::IntoParams;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;

/// The first part of a token: a token of another version is refused, not misread.
const TOKEN_VERSION: &str = "v1.";

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct PageQuery {
    /// Most items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub(super) limit: Option<usize>,
    /// `next_page_token` of the page before; the first page when absent.
    #[param(pattern = "^v1\\.[A-Za-z0-9_]+$")]
    pub(super) page_token: Option<String>,
}

impl PageQuery {
    pub(super) fn limit(&self) -> Result<usize, Problem> {
        match self.limit.unwrap_or(DEFAULT_LIMIT) {
            limit @ 1..=MAX_LIMIT => Ok(limit),
            other => Err(Problem::parameter("limit", format!("limit={other}: expected 1 to {MAX_LIMIT}"))),
        }
    }

    /// The id after which the page begins.
    pub(super) fn after(&self) -> Result<Option<&str>, Problem> {
        let Some(token) = &self.page_token else { return Ok(None) };
        let id = token.strip_prefix(TOKEN_VERSION).filter(|id| {
            !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        id.map(Some).ok_or_else(|| {
            Problem::parameter("page_token", "page_token: expected a next_page_token as it came")
        })
    }
}

/// The token of the page after the one that ends with `id`.
pub(super) fn token(id: &str) -> String {
    format!("{TOKEN_VERSION}{id}")
}
