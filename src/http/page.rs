//! Lists, a page at a time.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::problem::{self, Fault, Problem};
use super::query::Pairs;

const LIMIT_DEFAULT: u32 = 100;
const LIMIT_MAX: u32 = 500;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page<T> {
    /// What there is on it.
    pub(super) items: Vec<T>,
    /// Send it as `cursor` for the next page; null on the last.
    pub(super) next_cursor: Option<String>,
}

/// What every list can be asked.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by hand, so that what is unknown is a fault; documented here")]
pub(super) struct ListParameters {
    /// Items on a page.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<u32>,
    /// Where the page before ended.
    cursor: Option<String>,
}

/// Which page.
pub(super) struct PageRequest {
    limit: u32,
    /// The last name of the page before.
    pub(super) after: Option<String>,
}

impl PageRequest {
    /// What `limit` and `cursor` say.
    pub(super) fn of(pairs: Pairs) -> Result<Self, Problem> {
        let [limit, cursor] = pairs.only(["limit", "cursor"])?;
        let fault = |name: &str, detail: String| {
            problem::invalid(vec![Fault::new(format!("/query/{name}"), detail)])
        };
        let limit = limit.map_or(Ok(LIMIT_DEFAULT), |limit| {
            let limit = limit.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
            limit.ok_or_else(|| fault("limit", format!("`limit` must be 1 to {LIMIT_MAX}")))
        })?;
        let opened = |cursor: String| {
            let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
            let name = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            name.filter(|name| !name.is_empty() && !name.contains('\0')).ok_or_else(|| {
                fault("cursor", "`cursor` must be a `next_cursor` of this list".to_owned())
            })
        };
        Ok(Self { limit, after: cursor.map(opened).transpose()? })
    }

    /// How many items to look for: one more shows whether there is a next page.
    pub(super) fn wanted(&self) -> u32 {
        self.limit + 1
    }

    /// The page, of `items` looked for.
    pub(super) fn page<T>(&self, mut items: Vec<T>, name: impl Fn(&T) -> &str) -> Page<T> {
        let limit = self.limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let next_cursor = last.map(|last| URL_SAFE_NO_PAD.encode(name(last)));
        Page { items, next_cursor }
    }
}
