//! The directives of nginx, from its documentation: in a wrong block they are "not allowed here", others are "unknown".

use std::collections::HashMap;
use std::sync::LazyLock;

use super::table;

static NGINX: &str = include_str!("nginx.tsv");

/// A directive in nginx's documentation.
#[derive(Clone, Copy, Debug)]
pub struct NginxDirective {
    /// The module it belongs to.
    pub module: &'static str,
    /// The blocks it may appear in, separated by commas; empty for any block.
    pub contexts: &'static str,
}

static BY_NAME: LazyLock<HashMap<&'static str, Vec<NginxDirective>>> = LazyLock::new(|| {
    let mut names: HashMap<&'static str, Vec<NginxDirective>> = HashMap::new();
    let lines = NGINX.lines().filter(|line| !line.starts_with('#')).skip(1);
    for line in lines {
        let mut fields = line.split('\t');
        let mut field = || fields.next().unwrap_or_default();
        let (name, module, contexts) = (field(), field(), field());
        let directive = NginxDirective { module, contexts };
        names.entry(name).or_default().push(directive);
    }
    names
});

/// nginx's directives of this name, module by module.
pub fn in_nginx(name: &str) -> &'static [NginxDirective] {
    BY_NAME.get(name).map_or(&[], Vec::as_slice)
}

/// Whether nginx or the gateway has a directive of this name, in whatever block.
pub fn is_known(name: &str) -> bool {
    BY_NAME.contains_key(name) || !table::find(name).is_empty()
}

#[cfg(test)]
mod tests {
    use super::is_known;

    #[test]
    fn names() {
        assert!(is_known("gzip") && is_known("proxy_pass") && is_known("max_commands"));
        assert!(!is_known("name") && !is_known(""));
    }
}
