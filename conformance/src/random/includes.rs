//! Moves parts of a configuration into included files.

use super::node::Node;
use crate::rng::Rng;

/// Moves a run of nodes, at a random depth, to one or two files and puts an `include` in their place.
pub fn move_to_files(
    rng: &mut Rng,
    nodes: &mut Vec<Node>,
    files: &mut Vec<(&'static str, Vec<Node>)>,
) {
    let depth = rng.below(3);
    let inner = nodes.iter_mut().rev().find_map(|node| match node {
        Node::Block(_, inner) if depth > 0 => Some(inner),
        _ => None,
    });
    match inner {
        Some(inner) if depth > 0 => return move_to_files(rng, inner, files),
        _ => {}
    }
    let from = rng.below(nodes.len() + 1);
    let to = from + rng.below(nodes.len() - from + 1);
    let mut moved: Vec<Node> = nodes.drain(from..to).collect();
    if rng.permille(300) {
        let second = moved.split_off(moved.len() / 2);
        files.extend([("d/1.conf", moved), ("d/2.conf", second)]);
        nodes.insert(
            from,
            Node::line(rng.pick(&[
                "include d/*.conf",
                "include d/?.conf",
                "include @ROOT@/d/[12].conf",
                "include */*.conf",
            ])),
        );
    } else {
        let name = if files.iter().any(|(name, _)| *name == "a.conf") {
            "b.conf"
        } else {
            "a.conf"
        };
        files.push((name, moved));
        let stem = name.trim_end_matches(".conf");
        nodes.insert(
            from,
            Node::line(match rng.below(4) {
                0 => format!("include {name}"),
                1 => format!("include @ROOT@/{name}"),
                2 => format!("include {stem}.c*"),
                _ => format!("include \"{name}\""),
            }),
        );
    }
}
