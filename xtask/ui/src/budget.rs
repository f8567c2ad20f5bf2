//! How much may travel to a browser, compressed.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use crate::dist::Dist;

/// What a sort of file may have in bytes: from where a warning is printed, and from where the build fails.
const BUDGETS: &[(&str, usize, usize)] = &[
    ("program", 420_000, 500_000),
    ("glue", 15_000, 25_000),
    ("style", 9_000, 14_000),
    ("shapes", 12_000, 12_000),
    ("document", 2_000, 2_500),
    ("fonts", 89_000, 92_000),
];

/// Prints what there is beside what may be, and fails when it is too much. The gallery is no part of the product.
pub(crate) fn check(dist: &Dist, gallery: bool) -> Result<()> {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for asset in dist.assets() {
        *sizes.entry(asset.sort).or_default() += asset.sent();
    }
    let mut broken = Vec::new();
    for (sort, warn, fail) in BUDGETS {
        let size = sizes.get(sort).copied().unwrap_or(0);
        let verdict = if size > *fail {
            broken.push(*sort);
            "TOO LARGE"
        } else if size > *warn {
            "more than planned"
        } else {
            "fine"
        };
        println!("{sort:<10} {size:>8} of {warn:>7} bytes  {verdict}");
    }
    ensure!(
        gallery || broken.is_empty(),
        "over the budget: {}; look for what has come in since the last build",
        broken.join(", ")
    );
    Ok(())
}
