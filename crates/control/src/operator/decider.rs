//! What a person at a device is told of who has the arm: what the runtime says, never what the device believes.

use apprentice_link::wire::AuthorityStatus;
use apprentice_safety::ControlAuthority;

/// Who has the arm, in words for the person at the device numbered `own`, whose deadman is `pressed` or not.
/// `decider` is what the runtime said last, if that is not too long ago.
#[must_use]
pub fn who_has_the_arm(decider: Option<AuthorityStatus>, own: u32, pressed: bool) -> String {
    let Some(decider) = decider else {
        return "nobody says who has the arm".into();
    };
    let other = decider.device;
    match decider.authority {
        ControlAuthority::Human if other == own => "YOU have the arm".into(),
        ControlAuthority::Human => format!("another device ({other:08x}) has the arm"),
        _ if pressed => "asked for, the runtime does not say that you have it".into(),
        ControlAuthority::Policy => "the policy has the arm".into(),
        ControlAuthority::Nobody if other == own => {
            "nobody has the arm: it stays until you take it or hand it back".into()
        }
        ControlAuthority::Nobody => format!(
            "nobody has the arm: another device ({other:08x}) let go of it; take it, let go, and hand it back"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_runtime_says_that_you_have_the_arm() {
        let own = 0x2000_0001;
        let says = |authority, device| {
            Some(AuthorityStatus {
                sequence: 1,
                stamp_ns: 1,
                authority,
                device,
            })
        };
        let all = [
            None,
            says(ControlAuthority::Policy, 0),
            says(ControlAuthority::Nobody, 0x2a),
            says(ControlAuthority::Nobody, own),
            says(ControlAuthority::Human, 0x2a),
            says(ControlAuthority::Human, own),
        ];
        for pressed in [false, true] {
            let words = all.map(|d| who_has_the_arm(d, own, pressed));
            let mine: Vec<bool> = words.iter().map(|w| w.contains("YOU")).collect();
            assert_eq!(mine, [false, false, false, false, false, true], "{words:?}");
            assert_eq!(words[0], "nobody says who has the arm");
            assert!(words[4].contains("another device (0000002a) has the arm"));
            let asked = words.iter().filter(|w| w.starts_with("asked for")).count();
            assert_eq!(asked, if pressed { 3 } else { 0 });
        }
    }
}
