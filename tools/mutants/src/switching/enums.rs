//! The variants that can stand for each other.

use std::collections::BTreeMap;
use syn::{Path, parse_quote};

/// Variants without data of every enum in some files.
#[derive(Default)]
pub struct Enums(BTreeMap<String, Vec<syn::Ident>>);

impl Enums {
    pub fn read(&mut self, source: &str) -> syn::Result<()> {
        for item in syn::parse_file(source)?.items {
            if let syn::Item::Enum(item) = item
                && item.variants.iter().all(|v| v.fields.is_empty())
            {
                let variants = item.variants.into_iter().map(|v| v.ident).collect();
                self.0.insert(item.ident.to_string(), variants);
            }
        }
        Ok(())
    }

    /// The variant after that of a path, around the end.
    pub fn next(&self, path: &Path, owner: Option<&str>) -> Option<Path> {
        let mut segments = path.segments.iter();
        let (of, variant) = (segments.next()?, segments.next()?);
        if segments.next().is_some() {
            return None;
        }
        let name = of.ident.to_string();
        let name = if name == "Self" { owner? } else { &name };
        let variants = self.0.get(name)?;
        let place = variants.iter().position(|v| *v == variant.ident)?;
        let after = variants.get((place + 1) % variants.len())?;
        let of = &of.ident;
        Some(parse_quote!(#of::#after))
    }
}
