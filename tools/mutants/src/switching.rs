//! Builds every mutant into the source, each behind a switch, so that all are compiled at once.
//!
//! What is changed: comparisons, `&&` and `||`, arithmetic, negations, conditions (never and always), guards of
//! match arms and arms before a wildcard, statements (left out), bodies of functions with simple answers, and
//! variants of the crate's own enums (the next one instead).

mod enums;
mod wrapping;

pub use enums::Enums;

use std::collections::BTreeSet;
use syn::visit_mut::{self, VisitMut};
use syn::{Arm, Block, Expr, ReturnType, Stmt, Type, parse_quote};
use wrapping::{Said, has_let, opposites, text};

/// One change.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// What turns it on.
    pub number: u32,
    pub file: String,
    pub line: usize,
    pub function: String,
    /// What becomes what.
    pub change: String,
}

impl Mutant {
    /// What names it in the table of explained ones, wherever it moves.
    pub fn name(&self) -> String {
        format!("{} | {} | {}", self.file, self.function, self.change)
    }
}

/// Goes through the files of a crate.
pub struct Switching<'a> {
    enums: &'a Enums,
    /// Numbers that cannot be compiled.
    refused: &'a BTreeSet<u32>,
    file: String,
    owner: Option<String>,
    function: Option<String>,
    next: u32,
    pub mutants: Vec<Mutant>,
}

impl<'a> Switching<'a> {
    pub fn new(enums: &'a Enums, refused: &'a BTreeSet<u32>) -> Self {
        Self {
            enums,
            refused,
            file: String::new(),
            owner: None,
            function: None,
            next: 1,
            mutants: Vec::new(),
        }
    }

    /// The file with all its mutants.
    pub fn file(&mut self, name: &str, source: &str) -> syn::Result<String> {
        let mut parsed = syn::parse_file(source)?;
        name.clone_into(&mut self.file);
        self.visit_file_mut(&mut parsed);
        Ok(quote::quote!(#parsed).to_string())
    }

    /// The switch of a new mutant; `None` where it is refused.
    fn switch(&mut self, line: usize, change: String) -> Option<Expr> {
        let function = self.function.clone()?;
        let number = self.next;
        self.next += 1;
        if self.refused.contains(&number) {
            return None;
        }
        let owner = self.owner.iter().map(|o| format!("{o}::"));
        self.mutants.push(Mutant {
            number,
            file: self.file.clone(),
            line,
            function: owner.collect::<String>() + &function,
            change,
        });
        Some(parse_quote!(crate::switched_on(#number)))
    }

    fn within(&mut self, function: &syn::Signature, block: &mut Block) {
        if function.constness.is_some() {
            return;
        }
        let before = self.function.replace(function.ident.to_string());
        let line = Said::of(function).line;
        visit_mut::visit_block_mut(self, block);
        for (value, shown) in simple_answers(&function.output) {
            if let Some(on) = self.switch(line, format!("answers {shown}")) {
                let early: Stmt = parse_quote!(if #on { return #value; });
                block.stmts.insert(0, early);
            }
        }
        self.function = before;
    }

    fn condition(&mut self, condition: &mut Expr, said: &Said) {
        let Said { text, line } = said;
        if has_let(condition) {
            if let Some(on) = self.switch(*line, format!("if {text}: never")) {
                *condition = parse_quote!(!#on && #condition);
            }
            return;
        }
        if let Some(on) = self.switch(*line, format!("if {text}: never")) {
            *condition = parse_quote!((!#on && (#condition)));
        }
        if let Some(on) = self.switch(*line, format!("if {text}: always")) {
            *condition = parse_quote!((#on || (#condition)));
        }
    }

    fn binary(&mut self, expr: &mut Expr, said: &Said) {
        let Expr::Binary(binary) = &*expr else {
            return;
        };
        // Nor is there anything but adding for text.
        if has_let(&binary.left) || has_let(&binary.right) || said.text.contains('"') {
            return;
        }
        let (left, right, op) = (&binary.left, &binary.right, &binary.op);
        let mut switched: Expr = parse_quote!(#left #op #right);
        for other in opposites(op) {
            let change = format!("{}: {}", said.text, text(&other));
            if let Some(on) = self.switch(said.line, change) {
                switched = parse_quote!(if #on { #left #other #right } else { #switched });
            }
        }
        *expr = parse_quote!((#switched));
    }

    /// Leaves statements out.
    fn statement(&mut self, statement: &mut Stmt, said: &Said) {
        let Stmt::Expr(expr, Some(_)) = statement else {
            return;
        };
        let does = match expr {
            Expr::Assign(_) | Expr::MethodCall(_) | Expr::Call(_) | Expr::Try(_) => true,
            // Changed already.
            Expr::Paren(_) => said.text.contains("= "),
            _ => false,
        };
        if does && let Some(on) = self.switch(said.line, format!("without {}", said.text)) {
            *statement = parse_quote!(if !#on { #expr; });
        }
    }

    fn arms(&mut self, arms: &mut [Arm], guards: &[Option<Said>]) {
        // A name in lower case binds whatever comes.
        let anything = |pattern: &syn::Pat| match pattern {
            syn::Pat::Wild(_) => true,
            syn::Pat::Ident(i) => i.ident.to_string().starts_with(char::is_lowercase),
            _ => false,
        };
        let fallback = arms
            .last()
            .is_some_and(|last| last.guard.is_none() && anything(&last.pat));
        let count = arms.len();
        for (place, (arm, said)) in arms.iter_mut().zip(guards).enumerate() {
            if let (Some((_, guard)), Some(said)) = (&mut arm.guard, said) {
                self.condition(guard, said);
            } else if fallback && place + 1 < count {
                let Said { text, line } = Said::of(&arm.pat);
                let on = self.switch(line, format!("arm {text}: never"));
                arm.guard = on.map(|on| (Default::default(), parse_quote!(!#on)));
            }
        }
    }

    /// `matches!` says the opposite, or knows one pattern less.
    fn matches(&mut self, expr: &mut Expr, said: &Said) {
        let Expr::Macro(call) = &*expr else {
            return;
        };
        if !call.mac.path.is_ident("matches") {
            return;
        }
        let Said { text, line } = said;
        let parsed = call.mac.parse_body_with(wrapping::matched);
        let mut switched: Expr = parse_quote!(#expr);
        if let Ok((of, patterns)) = parsed
            && patterns.len() > 1
        {
            for pattern in patterns {
                let change = format!("{text}: without {}", wrapping::text(&pattern));
                if let Some(on) = self.switch(*line, change) {
                    switched = parse_quote!((#switched && !(#on && matches!(#of, #pattern))));
                }
            }
        }
        if let Some(on) = self.switch(*line, format!("{text}: not")) {
            switched = parse_quote!((#on ^ #switched));
        }
        *expr = switched;
    }

    fn unary(&mut self, expr: &mut Expr, said: &Said) {
        let Expr::Unary(unary) = &*expr else {
            return;
        };
        let inner = &unary.expr;
        let number = matches!(**inner, Expr::Lit(_));
        let change = format!("{}: without it", said.text);
        match unary.op {
            syn::UnOp::Not(_) => {
                if let Some(on) = self.switch(said.line, change) {
                    *expr = parse_quote!((#on ^ #unary));
                }
            }
            syn::UnOp::Neg(_) if !number => {
                if let Some(on) = self.switch(said.line, change) {
                    *expr = parse_quote!((if #on { #inner } else { #unary }));
                }
            }
            _ => {}
        }
    }

    fn variant(&mut self, expr: &mut Expr, said: &Said) {
        let Expr::Path(path) = &*expr else {
            return;
        };
        if let Some(other) = self.enums.next(&path.path, self.owner.as_deref()) {
            let change = format!("{}: {}", said.text, text(&other));
            if let Some(on) = self.switch(said.line, change) {
                *expr = parse_quote!((if #on { #other } else { #path }));
            }
        }
    }
}

/// Answers a function may be replaced by.
fn simple_answers(output: &ReturnType) -> Vec<(Expr, &'static str)> {
    let ReturnType::Type(_, output) = output else {
        return vec![(parse_quote!(()), "at once")];
    };
    let Type::Path(path) = &**output else {
        return Vec::new();
    };
    match text(path).as_str() {
        "bool" => vec![(parse_quote!(true), "true"), (parse_quote!(false), "false")],
        "f64" => vec![(parse_quote!(0.0), "0.0"), (parse_quote!(1.0), "1.0")],
        "u64" | "usize" => vec![(parse_quote!(0), "0"), (parse_quote!(1), "1")],
        name if name.starts_with("Option<") => vec![(parse_quote!(None), "None")],
        name if name.starts_with("Result<(),") => vec![(parse_quote!(Ok(())), "Ok")],
        _ => Vec::new(),
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes
        .iter()
        .any(|a| a.path().is_ident("test") || text(&a.meta).contains("cfg(test)"))
}

impl VisitMut for Switching<'_> {
    fn visit_item_mut(&mut self, item: &mut syn::Item) {
        match item {
            syn::Item::Fn(function) if !is_for_tests(&function.attrs) => {
                self.within(&function.sig, &mut function.block);
            }
            syn::Item::Impl(implementation) => {
                let before = self.owner.replace(text(&implementation.self_ty));
                visit_mut::visit_item_impl_mut(self, implementation);
                self.owner = before;
            }
            // Constants have to be known before anything is switched.
            _ => {}
        }
    }

    fn visit_impl_item_mut(&mut self, item: &mut syn::ImplItem) {
        if let syn::ImplItem::Fn(function) = item {
            self.within(&function.sig, &mut function.block);
        }
    }

    fn visit_type_mut(&mut self, _: &mut Type) {}

    fn visit_pat_mut(&mut self, _: &mut syn::Pat) {}

    fn visit_stmt_mut(&mut self, statement: &mut Stmt) {
        if matches!(statement, Stmt::Item(_)) {
            return;
        }
        let said = Said::of(&*statement);
        visit_mut::visit_stmt_mut(self, statement);
        self.statement(statement, &said);
    }

    fn visit_local_mut(&mut self, local: &mut syn::Local) {
        // What stands behind `else` has to leave.
        if let Some(init) = &mut local.init {
            self.visit_expr_mut(&mut init.expr);
        }
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        // What it reads like before anything in it is switched.
        let said = Said::of(&*expr);
        let condition = match &*expr {
            Expr::If(branch) => Some(Said::of(&branch.cond)),
            _ => None,
        };
        let guards: Vec<Option<Said>> = match &*expr {
            Expr::Match(choice) => {
                let guards = choice.arms.iter().map(|arm| arm.guard.as_ref());
                guards.map(|g| g.map(|(_, g)| Said::of(g))).collect()
            }
            _ => Vec::new(),
        };
        visit_mut::visit_expr_mut(self, expr);
        match expr {
            Expr::If(branch) => {
                if let Some(said) = condition {
                    self.condition(&mut branch.cond, &said);
                }
            }
            Expr::Match(choice) => self.arms(&mut choice.arms, &guards),
            Expr::Binary(_) => self.binary(expr, &said),
            Expr::Macro(_) => self.matches(expr, &said),
            Expr::Unary(_) => self.unary(expr, &said),
            Expr::Path(_) => self.variant(expr, &said),
            _ => {}
        }
    }
}
