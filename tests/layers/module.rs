//! Parses one source file into modules: the items each defines, its imports, and the paths in its code.

use std::collections::BTreeSet;

use super::tokens::{Token, tokens};

/// A path in an expression, a type or a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub path: Vec<String>,
    pub line: usize,
}

/// One leaf of a `use` tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    pub path: Vec<String>,
    /// The name it binds; `None` for `*`.
    pub name: Option<String>,
    pub line: usize,
    /// Below `#[cfg(test)]`.
    pub test: bool,
}

/// A module as written in its file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// From the crate root, whose path is empty.
    pub path: Vec<String>,
    /// Relative to the folder of `lib.rs`.
    pub file: String,
    /// Declared modules, inline or in files, and whether each is `#[cfg(test)]`.
    pub children: Vec<(String, bool)>,
    /// Names of types, functions, constants and macros.
    pub items: BTreeSet<String>,
    pub uses: Vec<Use>,
    /// Paths with two or more segments, outside `use`.
    pub names: Vec<Named>,
}

/// Parses the file of the module `path`. The first module returned is that one; its inline modules follow.
pub fn modules(path: &[String], file: &str, text: &str) -> Vec<Module> {
    let mut parser = Parser {
        tokens: tokens(text),
        at: 0,
        depth: 0,
        test: false,
        open: Vec::new(),
        done: Vec::new(),
    };
    parser.begin(path.to_vec(), file);
    parser.parse();
    while parser.end() {}
    parser.done.reverse();
    parser.done
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// `#[cfg(test)]` applies to the next item.
    test: bool,
    /// Enclosing modules, with the brace depth inside each.
    open: Vec<(Module, usize)>,
    done: Vec<Module>,
}

impl Parser {
    fn begin(&mut self, path: Vec<String>, file: &str) {
        let module = Module {
            path,
            file: file.to_owned(),
            ..Module::default()
        };
        self.open.push((module, self.depth));
    }

    fn end(&mut self) -> bool {
        let ended = self.open.pop();
        let any = ended.is_some();
        self.done.extend(ended.map(|(module, _)| module));
        any
    }

    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead)
    }

    fn word(&self, ahead: usize) -> Option<String> {
        self.peek(ahead)?.word().map(str::to_owned)
    }

    fn sign(&self, ahead: usize, sign: char) -> bool {
        self.peek(ahead).is_some_and(|token| token.is_sign(sign))
    }

    fn module(&mut self) -> &mut Module {
        let last = self.open.last_mut().expect("the module of the file");
        &mut last.0
    }

    fn parse(&mut self) {
        while let Some(token) = self.peek(0).cloned() {
            let step = match token.word() {
                Some(word) => self.at_word(word, token.line),
                None => self.at_sign(&token),
            };
            self.at += step;
        }
    }

    fn at_sign(&mut self, token: &Token) -> usize {
        if token.is_sign('{') {
            self.depth += 1;
            self.test = false;
        } else if token.is_sign('}') {
            self.depth = self.depth.saturating_sub(1);
            if self.open.len() > 1
                && self
                    .open
                    .last()
                    .is_some_and(|(_, inside)| *inside > self.depth)
            {
                self.end();
            }
        } else if token.is_sign(';') {
            self.test = false;
        } else if token.is_sign('#') && self.is_cfg_test() {
            self.test = true;
            return 7;
        } else if token.is_sign('$') && self.word(1).as_deref() == Some("crate") {
            self.at += 1;
            return self.path("crate", token.line);
        }
        1
    }

    /// `#[cfg(test)]`
    fn is_cfg_test(&self) -> bool {
        self.sign(1, '[')
            && self.word(2).as_deref() == Some("cfg")
            && self.sign(3, '(')
            && self.word(4).as_deref() == Some("test")
            && self.sign(5, ')')
            && self.sign(6, ']')
    }

    fn at_word(&mut self, word: &str, line: usize) -> usize {
        match word {
            "use" if !self.sign(1, '<') => return self.import(line),
            "mod" => {
                if let Some(step) = self.child() {
                    return step;
                }
            }
            // A visibility such as `pub(in crate::x)` is no dependency.
            "pub" if self.sign(1, '(') => {
                let close = self.tokens[self.at..].iter().position(|t| t.is_sign(')'));
                return close.map_or(1, |close| close + 1);
            }
            _ => {}
        }
        let at_module_level = self
            .open
            .last()
            .is_some_and(|(_, inside)| *inside == self.depth);
        if at_module_level && let Some(name) = self.item(word) {
            self.module().items.insert(name);
        }
        self.path(word, line)
    }

    /// The name of the item that this keyword introduces.
    fn item(&self, keyword: &str) -> Option<String> {
        match keyword {
            "struct" | "enum" | "union" | "trait" | "type" | "fn" => self.word(1),
            "const" => self.word(1).filter(|word| word != "fn"),
            "static" => self
                .word(1)
                .filter(|word| word != "mut")
                .or_else(|| self.word(2)),
            "macro_rules" => self.word(2),
            _ => None,
        }
    }

    /// Parses `mod name;` or `mod name {`; returns the number of tokens.
    fn child(&mut self) -> Option<usize> {
        let name = self.word(1)?;
        let inline = self.sign(2, '{');
        let test = std::mem::take(&mut self.test);
        let module = self.module();
        module.children.push((name.clone(), test));
        if !inline {
            return Some(2);
        }
        let (mut path, file) = (module.path.clone(), module.file.clone());
        path.push(name);
        self.depth += 1;
        self.begin(path, &file);
        Some(3)
    }

    /// Parses a path and records it if it has two or more segments; returns the number of tokens.
    fn path(&mut self, first: &str, line: usize) -> usize {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        if before.is_some_and(|token| token.is_separator() || token.is_sign('.')) {
            return 1;
        }
        let mut path = vec![first.to_owned()];
        let mut length = 1;
        while self.peek(length).is_some_and(Token::is_separator)
            && let Some(word) = self.word(length + 1)
        {
            path.push(word);
            length += 2;
        }
        if path.len() > 1 {
            self.module().names.push(Named { path, line });
        }
        length
    }

    /// Parses a `use` declaration up to its semicolon; returns the number of tokens.
    fn import(&mut self, line: usize) -> usize {
        let end = self.tokens[self.at..].iter().position(|t| t.is_sign(';'));
        let end = end.map_or(self.tokens.len(), |end| self.at + end);
        let tree: Vec<Token> = self.tokens[self.at + 1..end].to_vec();
        let test = self.test;
        let mut uses = Vec::new();
        leaves(&tree, &[], &mut |path, name| {
            uses.push(Use {
                path,
                name,
                line,
                test,
            });
        });
        self.module().uses.extend(uses);
        end - self.at
    }
}

/// Calls `tell` for each leaf of a `use` tree with its path and the name it binds.
fn leaves(tree: &[Token], prefix: &[String], tell: &mut impl FnMut(Vec<String>, Option<String>)) {
    let mut path = prefix.to_vec();
    let mut at = 0;
    while let Some(token) = tree.get(at) {
        match token.word() {
            Some("as") => {
                let name = tree.get(at + 1).and_then(Token::word).map(str::to_owned);
                return tell(path, name);
            }
            // `{self}` is the module itself.
            Some("self") if !path.is_empty() => {}
            Some(word) => path.push(word.to_owned()),
            None if token.is_sign('*') => return tell(path, None),
            None if token.is_sign('{') => {
                return group(&tree[at + 1..])
                    .into_iter()
                    .for_each(|part| leaves(part, &path, tell));
            }
            None => {}
        }
        at += 1;
    }
    if let Some(name) = path.last().cloned() {
        tell(path, Some(name));
    }
}

/// Splits the inside of `{…}`, given from after the opening brace, at its commas.
fn group(tokens: &[Token]) -> Vec<&[Token]> {
    let mut parts = Vec::new();
    let (mut depth, mut from) = (0, 0);
    for (at, token) in tokens.iter().enumerate() {
        if token.is_sign('{') {
            depth += 1;
        } else if token.is_sign('}') && depth > 0 {
            depth -= 1;
        } else if depth == 0 && (token.is_sign(',') || token.is_sign('}')) {
            if at > from {
                parts.push(&tokens[from..at]);
            }
            from = at + 1;
            if token.is_sign('}') {
                break;
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::{Module, modules};

    fn parsed(text: &str) -> Vec<Module> {
        modules(&["a".to_owned()], "a.rs", text)
    }

    fn uses(module: &Module) -> Vec<String> {
        let shown = |one: &super::Use| {
            let name = one.name.as_deref().unwrap_or("*");
            format!("{} {name}", one.path.join("::"))
        };
        module.uses.iter().map(shown).collect()
    }

    #[test]
    fn nested_use_trees_are_flattened() {
        let text =
            "pub use crate::{b::{self, C, d::*}, e::F as G,}; use super::h; fn f() { use i::j; }";
        assert_eq!(
            uses(&parsed(text)[0]),
            [
                "crate::b b",
                "crate::b::C C",
                "crate::b::d *",
                "crate::e::F G",
                "super::h h",
                "i::j j"
            ]
        );
    }

    #[test]
    fn items_and_inline_modules_are_found() {
        let text = "pub struct S { f: fn(u8) } const fn made() {} pub const C: u8 = 1; macro_rules! m { () => {} }\n\
                    impl S { fn inner() {} type T = u8; } mod b; mod c { pub(in crate::x) enum E {} mod d {} }\n\
                    #[cfg(test)] mod tests { use super::S; } static K: u8 = 1;";
        let found = parsed(text);
        let items: Vec<_> = found[0].items.iter().map(String::as_str).collect();
        assert_eq!(items, ["C", "K", "S", "m", "made"]);
        let children: Vec<_> = found[0]
            .children
            .iter()
            .map(|(name, test)| (name.as_str(), *test))
            .collect();
        assert_eq!(children, [("b", false), ("c", false), ("tests", true)]);
        let paths: Vec<String> = found.iter().map(|module| module.path.join("::")).collect();
        assert_eq!(paths, ["a", "a::tests", "a::c", "a::c::d"]);
        assert!(found[2].items.contains("E") && found[2].names.is_empty());
    }

    #[test]
    fn inline_paths_are_found() {
        let text =
            "fn f() -> crate::b::C { x.y::<u8>(); <T as super::d::E>::g(); h::i!(); $crate::j::k }";
        let found = parsed(text);
        let names: Vec<_> = found[0]
            .names
            .iter()
            .map(|named| named.path.join("::"))
            .collect();
        assert_eq!(names, ["crate::b::C", "super::d::E", "h::i", "crate::j::k"]);
    }
}
