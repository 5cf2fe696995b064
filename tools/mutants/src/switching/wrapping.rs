//! What an expression becomes, and how it reads.

use quote::ToTokens;
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{BinOp, Expr, Pat, Token, parse_quote};

/// How something read in the file.
pub struct Said {
    pub text: String,
    pub line: usize,
}

impl Said {
    pub fn of(node: &impl Spanned) -> Self {
        let span = node.span();
        let source = span.source_text().unwrap_or_default();
        Self {
            text: source.split_whitespace().collect::<Vec<_>>().join(" "),
            line: span.start().line,
        }
    }
}

/// What tokens read like.
pub fn text(tokens: &impl ToTokens) -> String {
    let spaced = tokens.to_token_stream().to_string();
    spaced
        .replace(" :: ", "::")
        .replace(" <", "<")
        .replace("< ", "<")
}

/// Whether a condition binds something, now or in a part of it.
pub fn has_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(b) => has_let(&b.left) || has_let(&b.right),
        Expr::Paren(p) => has_let(&p.expr),
        _ => false,
    }
}

/// What an operator becomes.
pub fn opposites(op: &BinOp) -> Vec<BinOp> {
    match op {
        BinOp::Lt(_) => vec![parse_quote!(<=), parse_quote!(>=)],
        BinOp::Le(_) => vec![parse_quote!(<), parse_quote!(>)],
        BinOp::Gt(_) => vec![parse_quote!(>=), parse_quote!(<=)],
        BinOp::Ge(_) => vec![parse_quote!(>), parse_quote!(<)],
        BinOp::Eq(_) => vec![parse_quote!(!=)],
        BinOp::Ne(_) => vec![parse_quote!(==)],
        BinOp::And(_) => vec![parse_quote!(||)],
        BinOp::Or(_) => vec![parse_quote!(&&)],
        BinOp::Add(_) => vec![parse_quote!(-)],
        BinOp::Sub(_) => vec![parse_quote!(+)],
        BinOp::Mul(_) => vec![parse_quote!(/)],
        BinOp::Div(_) => vec![parse_quote!(*)],
        BinOp::AddAssign(_) => vec![parse_quote!(-=)],
        BinOp::SubAssign(_) => vec![parse_quote!(+=)],
        BinOp::BitOr(_) => vec![parse_quote!(&)],
        BinOp::BitAnd(_) => vec![parse_quote!(|)],
        BinOp::BitOrAssign(_) => vec![parse_quote!(&=)],
        BinOp::BitAndAssign(_) => vec![parse_quote!(|=)],
        _ => Vec::new(),
    }
}

/// What `matches!` is asked about, and its patterns where they have no guard.
pub fn matched(input: ParseStream<'_>) -> syn::Result<(Expr, Vec<Pat>)> {
    let of: Expr = input.parse()?;
    input.parse::<Token![,]>()?;
    let pattern = Pat::parse_multi_with_leading_vert(input)?;
    input.parse::<Option<Token![,]>>()?;
    if !input.is_empty() {
        return Err(input.error("a guard"));
    }
    let patterns = match pattern {
        Pat::Or(or) => or.cases.into_iter().collect(),
        one => vec![one],
    };
    Ok((of, patterns))
}
