//! Registries: one line an implementation.
//!
//! Whatever can be added to (tasks, encoders, objectives, ...) is a trait, and the crate that owns the trait lists its
//! implementations in one [`registry!`](macro@crate::registry). From the list come the modules, a serde-tagged enum of
//! their settings, their names, and access to the trait. Adding an implementation is one new file and one new line
//! in the list. Nothing is registered at link time.

/// Lists the implementations of a trait, a line each: `module::Type = "name",`.
///
/// For each line there is a file `module.rs` below the module that holds the list. Its `Type` is the implementation's
/// settings, implements the trait (which has a file of its own, so that files
/// import one another in one direction), and is `Clone + Debug + Default + PartialEq + Serialize + Deserialize`. In
/// configuration its settings stand beside `kind = "name"`.
///
/// ```text
/// // In objectives.rs; the implementations are in objectives/diffusion_dpo.rs and objectives/winner_imitation.rs.
/// apprentice_core::registry! {
///     /// What a policy is aligned by.
///     pub enum Objective: AlignmentObjective {
///         diffusion_dpo::DiffusionDpo = "diffusion_dpo",
///         winner_imitation::WinnerImitation = "winner_imitation",
///     }
/// }
/// ```
///
/// The enum dereferences to the trait's object. `NAMES` are the names in the order of the list, `all()` gives each
/// implementation with its default settings (what a conformance suite goes over), `named(name)` the one of a name,
/// and `name()` the name of one.
#[macro_export]
macro_rules! registry {
    (
        $(#[$about:meta])*
        $visibility:vis enum $registry:ident: $interface:path {
            $($module:ident :: $kind:ident = $name:literal),+ $(,)?
        }
    ) => {
        $(
            #[doc = concat!("`", $name, "`.")]
            pub mod $module;
        )+

        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(tag = "kind")]
        $visibility enum $registry {
            $(
                #[doc = concat!("`", $name, "`.")]
                #[serde(rename = $name)]
                $kind($module::$kind),
            )+
        }

        impl $registry {
            /// The names, in the order of the list.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// Every implementation with its default settings.
            #[must_use]
            pub fn all() -> Vec<Self> {
                vec![$(Self::$kind(::core::default::Default::default())),+]
            }

            /// The implementation of a name with its default settings.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$kind(::core::default::Default::default())),)+
                    _ => None,
                }
            }

            /// Its name.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$kind(_) => $name,)+
                }
            }
        }

        impl ::core::ops::Deref for $registry {
            type Target = dyn $interface;

            fn deref(&self) -> &Self::Target {
                match self {
                    $(Self::$kind(implementation) => implementation,)+
                }
            }
        }
    };
}
