//! Parts that are the answer without a merge: how many fit the memory, what the run takes, and what of f is known at its
//! end.

use super::Limits;
use super::excess::Flops;
use super::function::{Function, PartsEstimate, Sizes, Walks};
use super::method::Method;
use submodular::constraint::Shape;
use submodular::kmeans;

/// Floating-point operations, about ten seconds of two cores: so much the value of an answer may always take.
const SOON_VALUED: f64 = 1e12;

/// How parts are run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Apart {
    /// Bytes that the similarities of a part may take to be stored.
    pub(super) stored_bytes: u64,
    /// Whether f of all that was chosen is computed at the end.
    pub(super) valued: bool,
}

/// What a run of parts takes.
pub(super) struct ApartEstimate {
    pub(super) apart: Apart,
    /// Peak bytes beside the books.
    pub(super) bytes: u64,
    pub(super) flops: Flops,
    /// Name of the memory plan.
    pub(super) plan: String,
}

/// What the parts share.
#[derive(Clone, Copy)]
pub(super) struct Whole<'a> {
    pub(super) sizes: Sizes,
    /// Items that may be chosen.
    pub(super) allowed: usize,
    pub(super) shape: &'a Shape,
    /// Bytes of the run's books.
    pub(super) books: u64,
}

impl Whole<'_> {
    fn estimate(self, function: &mut Function, method: &Method, limits: &Limits) -> Option<PartsEstimate> {
        let Self { sizes, allowed, shape, books } = self;
        let parts = method.apart()?.sizes(sizes.n, allowed, shape.k);
        Some(function.estimate_parts(sizes, parts, books, limits))
    }

    /// Divides into the fewest parts of which each fits the memory, with its similarities where it can store them; gives
    /// how many. Twice as many parts leave less to each.
    pub(super) fn divide(self, function: &mut Function, method: &mut Method, limits: &Limits) -> u64 {
        let mut fits = |into: usize| {
            method.divide(into);
            self.estimate(function, method, limits).is_some_and(|found| {
                let bytes = self.books.saturating_add(found.whole.bytes).saturating_add(found.part_bytes);
                bytes <= limits.memory_bytes && (found.stored_bytes.is_some() || !function.stores_parts())
            })
        };
        let (mut few, mut many) = (0, 1);
        while many < self.sizes.n / 2 && !fits(many) {
            (few, many) = (many, 2 * many);
        }
        while many - few > 1 {
            let between = few.midpoint(many);
            if fits(between) { many = between } else { few = between }
        }
        method.divide(many);
        many as u64
    }

    /// What the run takes; none where parts are not the answer.
    pub(super) fn plan(
        self,
        function: &mut Function,
        method: &Method,
        limits: &Limits,
    ) -> Option<ApartEstimate> {
        let PartsEstimate { whole, part_bytes, stored_bytes } = self.estimate(function, method, limits)?;
        let Sizes { n, dim, .. } = self.sizes;
        let (mut beside, mut clustering) = (part_bytes, 0.0);
        if let Some(clusters) = method.clusters() {
            // Before the first part: what both take is not taken at once.
            beside = beside.max(kmeans::memory(n, dim, clusters));
            beside = beside.saturating_add(function.packed_for_clusters(self.sizes));
            clustering = kmeans::work(n, dim, clusters);
        }
        let chosen = match self.shape.k.filter(|_| !method.ranks_parts()) {
            Some(k) => k,
            None => n,
        };
        let (making, walking) = function.work(self.sizes, &Walks::one(chosen.min(n)));
        let flops = Flops::of(function, whole, self.sizes).and(clustering);
        let valuing = making + walking;
        // Else a run that ends with f of its answer takes at most twice as long. Nobody is asked for a value that no search
        // needs.
        let asks = function.properties().asks;
        let most = flops.total().max(SOON_VALUED);
        let valued = !asks && (function.is_another() || valuing <= most);
        let flops = if valued && !function.is_another() { flops.valued(valuing) } else { flops };
        Some(ApartEstimate {
            apart: Apart { stored_bytes: stored_bytes.unwrap_or(0), valued },
            bytes: whole.bytes.saturating_add(beside),
            flops,
            plan: if stored_bytes.is_some() { "stored_f32".to_owned() } else { function.plan_name() },
        })
    }
}
